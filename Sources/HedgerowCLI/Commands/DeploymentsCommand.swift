import ArgumentParser
import HedgerowAPI

/// `hedgerow deployments …`.
struct DeploymentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deployments", abstract: "List and show deployments; pause, resume and cancel them.",
        discussion: """
            A deployment is one revision of a group on its way to the group's cores: see hedgerow deploy.

            Example:
              hedgerow deployments list --group press-hall
              hedgerow deployments pause d-tb7r6ksgnoij --reason "night shift"
            """,
        subcommands: [List.self, Show.self, Pause.self, Resume.self, Cancel.self])
}

extension DeploymentsCommand {
    /// `deployments list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List deployments, the newest first.",
            discussion: """
                Example:
                  hedgerow deployments list
                  hedgerow deployments list --group press-hall --limit 10
                """)

        @Option(help: "Only of this group.")
        var group: String?

        @Option(help: ArgumentHelp("At most so many.", valueName: "number"))
        var limit = 50

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            if limit < 1 { throw ValidationError("--limit is at least 1.") }
        }

        func run() async throws {
            let all = try await home.withCloud { cloud in
                var all: [Hedgerow_Deployment_V1_Deployment] = []
                try await Pages.walk { token in
                    var request = Hedgerow_Deployment_V1_ListDeploymentsRequest()
                    request.group = group ?? ""
                    request.pageSize = UInt32(min(limit, 1_000))
                    request.pageToken = token
                    let page = try await cloud.deployments.listDeployments(request, options: cloud.options)
                    return (page.deployments, page.nextPageToken)
                } use: { page in
                    all += page.prefix(limit - all.count)
                    return all.count < limit
                }
                return all
            }
            var table = Table(["ID", "GROUP", "REVISION", "CREATED", "STATUS"])
            for deployment in all {
                let status = DeploymentText.summary(deployment)
                table.add([
                    Table.Cell(deployment.id), Table.Cell(deployment.group),
                    Table.Cell("\(deployment.revision)"),
                    Table.Cell(TimeText.milliseconds(deployment.createTime) ?? ""),
                    Table.Cell(DeploymentText.word(status), style: DeploymentText.style(status)),
                ])
            }
            try output.write(
                json: .list(all.map(DeploymentText.json)),
                table: table.render(coloured: CommandIO.current.isColoured))
        }
    }

    /// `deployments show ID`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a deployment with the status of each core.",
            discussion: """
                Example:
                  hedgerow deployments show d-tb7r6ksgnoij
                """)

        @Argument(help: "Its id, as deploy and deployments list say it.")
        var id: String

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var request = Hedgerow_Deployment_V1_GetDeploymentRequest()
            request.id = id
            let deployment = try await home.withCloud { [request] cloud in
                try await cloud.deployments.getDeployment(request, options: cloud.options).deployment
            }
            try output.write(
                json: DeploymentText.json(deployment),
                table: DeploymentText.table(deployment, coloured: CommandIO.current.isColoured))
        }
    }
}
