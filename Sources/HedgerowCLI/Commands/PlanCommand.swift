import ArgumentParser
import HedgerowAPI

/// `hedgerow plan`.
struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Show what deploying a group would do, without doing it.",
        discussion: """
            Says which version each instance would get and why, what would start, stop and restart on the cores, and what \
            they would download. Nothing is changed. hedgerow groups rollback --dry-run does the same for going back.

            Example:
              hedgerow plan press-hall
              hedgerow plan press-hall --revision 3 --output json
            """)

    @Argument(help: "Name of the group.")
    var group: String

    @Option(help: ArgumentHelp("Its revision; the newest by default.", valueName: "number"))
    var revision: UInt64 = 0

    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var request = Hedgerow_Deployment_V1_PlanDeploymentRequest()
        request.group = group
        request.revision = revision
        try await Self.show(request, home: home, output: output)
    }

    /// Asks for a plan and writes it.
    static func show(
        _ request: Hedgerow_Deployment_V1_PlanDeploymentRequest, home: HomeOptions, output: OutputOptions
    ) async throws {
        let plan = try await home.withCloud { cloud in
            try await cloud.deployments.planDeployment(request, options: cloud.options)
        }
        try output.write(
            json: PlanText.json(plan, group: request.group),
            table: PlanText.table(plan, group: request.group, coloured: CommandIO.current.isColoured))
    }
}
