import ArgumentParser
import HedgerowAPI
import Manifests

/// `hedgerow apply -f FILE`: makes what files describe.
struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Apply groups, components, aliases, things and types of things from files.",
        discussion: """
            A file is YAML or JSON: documents of kind Group, Alias, Component, Thing or ThingType, separated by \
            lines of ---. All are checked here first, then by the cloud, each as if those that it needs were there \
            already. Where one has an error, nothing is made of any. Then types, things, components, aliases and \
            groups are made, in this order. Applying what is there already changes nothing. Applying deploys \
            nothing: see hedgerow deploy.

            Example:
              hedgerow apply -f press-hall.yaml --dry-run
              hedgerow apply -f things.yaml -f components/ -f press-hall.yaml
              cat groups/*.yaml | hedgerow apply -f -
            """)

    @OptionGroup var manifests: ManifestOptions

    @Flag(help: "Have everything checked, show what would change, and make nothing.")
    var dryRun = false

    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let io = CommandIO.current
        let files = try await ManifestFiles.read(manifests.file)
        let outcomes = try await Progress.show(dryRun ? "checking" : "applying") { progress in
            try await home.withCloud { cloud in
                let checked = try await files.check(cloud)
                if dryRun { return checked.map { ApplyOutcome(document: $0) } }
                return try await Applying(documents: checked).run(cloud, progress)
            }
        }
        try output.write(
            json: .list(outcomes.map { $0.json(dryRun: dryRun) }),
            table: table(outcomes, coloured: io.isColoured))
        for outcome in outcomes { outcome.sayWarnings() }
        guard output.format == .table else { return }
        if outcomes.allSatisfy({ $0.word == "unchanged" }) {
            io.note("Nothing changes: all of it is there already.")
        } else if !dryRun {
            for outcome in outcomes where outcome.isGroup && outcome.word != "unchanged" {
                io.note("Next: hedgerow deploy \(outcome.document.document.name) --wait")
            }
        }
    }

    private func table(_ outcomes: [ApplyOutcome], coloured: Bool) -> String {
        var text = ""
        if dryRun {
            text += DifferenceText.text(outcomes.map(\.document), coloured: coloured) + "\n"
        }
        var table = Table(["KIND", "NAME", "VERSION", dryRun ? "WOULD BE" : "RESULT"])
        for outcome in outcomes { table.add(outcome.cells) }
        text += table.render(coloured: coloured)
        if outcomes.contains(where: { !$0.lock.isEmpty }) {
            var lock = Table(["GROUP", "INSTANCE", "COMPONENT", "VERSION"])
            for outcome in outcomes {
                for entry in outcome.lock {
                    lock.add([
                        Table.Cell(outcome.document.document.name), Table.Cell(entry.instance),
                        Table.Cell(entry.component), Table.Cell(entry.version),
                    ])
                }
            }
            text += "\n" + lock.render(coloured: coloured)
        }
        return text
    }
}
