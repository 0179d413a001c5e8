import ArgumentParser
import HedgerowAPI

/// `hedgerow diff -f FILE`: shows what applying would change.
struct DiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Show how files differ from what is there: what applying them would change.",
        discussion: """
            Part by part: what is added (+), removed (-) and changed (~) in cores, things, components, subscriptions \
            and streams. Groups are compared with their newest revision, and selectors with the things that they find \
            now. Everything is checked as hedgerow apply does it, and nothing is made.

            Example:
              hedgerow diff -f press-hall.yaml
              hedgerow diff -f fleet/ --color always | less -R
            """)

    @OptionGroup var manifests: ManifestOptions
    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let files = try await ManifestFiles.read(manifests.file)
        let outcomes = try await home.withCloud { cloud in
            try await files.check(cloud).map { ApplyOutcome(document: $0) }
        }
        try output.write(
            json: .list(outcomes.map { $0.json(dryRun: true) }),
            table: DifferenceText.text(
                outcomes.map(\.document), coloured: CommandIO.current.isColoured))
        for outcome in outcomes { outcome.sayWarnings() }
    }
}
