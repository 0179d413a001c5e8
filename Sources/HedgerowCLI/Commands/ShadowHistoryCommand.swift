import ArgumentParser
import HedgerowAPI

/// `hedgerow shadow history THING`: what a shadow was.
struct ShadowHistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "List the versions of a shadow: when, who, and what each changed.",
        discussion: """
            The newest is first. The cloud keeps the last 20 unless it is told otherwise. Who: thing:NAME, operator:NAME, \
            component:INSTANCE, or core:NAME for what came by the sync.

            Example:
              hedgerow shadow history bme680-1
              hedgerow shadow history bme680-1 --limit 3 --output json
            """)

    @OptionGroup var shadow: ShadowArgument

    @Option(help: ArgumentHelp("At most so many.", valueName: "number"))
    var limit = 100

    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if limit < 1 { throw ValidationError("--limit is at least 1.") }
    }

    func run() async throws {
        let steps = try await home.withCloud { cloud in
            try await ShadowHistory.steps(of: shadow, limit: limit, cloud)
        }
        let io = CommandIO.current
        let blocks = try steps.map { try ShadowHistory.block($0, coloured: io.isColoured) }
        let json = try steps.map { try ShadowHistory.json($0) }
        try output.write(json: .list(json), table: blocks.joined(separator: "\n"))
        if steps.isEmpty, output.format == .table { io.note("Nothing is kept of \(shadow.title).") }
    }
}
