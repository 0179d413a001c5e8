import ArgumentParser
import Foundation

/// `hedgerow demo`: everything at once, on this machine, in less than a minute.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Run a cloud, an edge core and a thing here, and show that nothing is lost.",
        discussion: """
            Starts the three as processes of their own on loopback, enrols them for real, shows readings as the cloud \
            stores them, sends a command down to the thing, cuts the cloud off for some seconds, and compares in the \
            end what the thing knows to be acknowledged with what the cloud has. It ends by itself and leaves nothing \
            behind, unless --keep is given.

            Exit code 0 where nothing acknowledged was lost or doubled, 7 otherwise.

            Example:
              hedgerow demo
              hedgerow demo --keep --directory /tmp/hedgerow
            """)

    @Flag(help: "Leave everything running at the end, and say how to look around.")
    var keep = false

    @Option(help: ArgumentHelp("Write the summary to this file, as JSON.", valueName: "file"))
    var summaryJSON: String?

    @Option(
        help: ArgumentHelp(
            "Directory for everything; it must not exist. Default: a temporary one.", valueName: "dir"))
    var directory: String?

    @Flag(help: .hidden)
    var quick = false

    init() {}

    func run() async throws {
        let files = try DemoDirectory(path: directory, isKept: keep)
        let plan = quick ? DemoPlan.quick : DemoPlan.standard
        let screen = DemoScreen(io: .current)
        let summary: DemoSummary?
        do {
            summary = try await TraceCollector.with { traces in
                try await Interruption.run {
                    try await Demo(plan: plan, files: files, screen: screen, keep: keep, traces: traces).run()
                }
            }
        } catch {
            await files.remove()
            throw error
        }
        guard let summary else {
            let isGone = await files.remove()
            throw CLIError(
                .failure, "the demo was interrupted; \(isGone ? "nothing" : files.path) of it is left")
        }
        if let summaryJSON {
            do {
                try Data((summary.json.pretty + "\n").utf8).write(
                    to: URL(fileURLWithPath: summaryJSON), options: .atomic)
            } catch {
                throw CLIError(
                    .failure, "the summary cannot be written to \(summaryJSON)", hint: "check the path")
            }
        }
        if !keep { await files.remove() }
        guard summary.isClean else {
            throw CLIError(.dataLost, "messages were lost or doubled: see the summary")
        }
    }
}
