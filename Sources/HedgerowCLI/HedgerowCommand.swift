import ArgumentParser

/// The command line: `hedgerow`.
struct HedgerowCommand: AsyncParsableCommand {
    /// Its subcommands. Each is a file of its own; add new ones here.
    static let commands: [any ParsableCommand.Type] = [
        InitCommand.self,
        ContextCommand.self,
        DoctorCommand.self,
        ThingsCommand.self,
        ComponentsCommand.self,
        ArtifactsCommand.self,
        ApplyCommand.self,
        DiffCommand.self,
        GroupsCommand.self,
        SecretsCommand.self,
        PlanCommand.self,
        DeployCommand.self,
        DeploymentsCommand.self,
        StreamsCommand.self,
        ShadowCommand.self,
        TailCommand.self,
        HistoryCommand.self,
        PublishCommand.self,
        LedgerCommand.self,
        RevokeCommand.self,
        ThingCommand.self,
        DevCommand.self,
        DemoCommand.self,
        CompletionCommand.self,
    ]

    /// Name, summary and subcommands.
    static let configuration = CommandConfiguration(
        commandName: "hedgerow",
        abstract: "Operate a fleet of things, edge cores and their cloud.",
        discussion: """
            Begin with: hedgerow init TOKEN-FILE (the file that the cloud wrote at its first start). hedgerow COMMAND \
            --help says everything about a command. --home, --context and --color may stand before the command too.

            Example:
              hedgerow init operator.token
              hedgerow things list
              hedgerow --context factory things list

            Exit codes: 0 done, 1 failed, 2 wrong use, 3 not found, 4 refused, 5 cloud not reachable, \
            6 deployment failed, 7 data lost, 8 timed out.
            """,
        version: "hedgerow \(HedgerowVersion.current)",
        subcommands: commands)
}
