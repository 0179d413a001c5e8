import ArgumentParser
import EdgeCore

/// `hedgerow-core`: the edge core's program.
@main
struct HedgerowCore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hedgerow-core",
        abstract: "Runs a Hedgerow edge core: serves things, keeps what the cloud must have, forwards it.",
        discussion: """
            Settings come from flags over environment variables over a file (--config FILE) over defaults. \
            `hedgerow-core config keys` lists them, `hedgerow-core config print` shows their values. The first \
            start needs --token FILE.
            """,
        version: "hedgerow-core \(CoreVersion.current)",
        subcommands: [Run.self, Healthcheck.self, Doctor.self, Config.self, Completion.self, Version.self],
        defaultSubcommand: Run.self)
}
