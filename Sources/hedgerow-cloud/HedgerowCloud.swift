import ArgumentParser
import Cloud
import Observability

/// `hedgerow-cloud`: the edge core's program.
@main
struct HedgerowCloud: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hedgerow-cloud",
        abstract: "Runs the Hedgerow cloud: registry, certificate authorities, deployments, history.",
        discussion: """
            Settings come from flags over environment over a file (--config FILE) over defaults:

            \(Settings.help(CloudSettings.keys))
            """,
        version: "hedgerow-cloud \(CloudVersion.current)",
        subcommands: [
            Serve.self, Healthcheck.self, OperatorToken.self, Doctor.self, Config.self, Completion.self,
            Version.self,
        ],
        defaultSubcommand: Serve.self)
}
