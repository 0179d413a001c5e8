import ArgumentParser
import HedgerowAPI

extension DeploymentsCommand {
    /// Writes a deployment that was just changed.
    fileprivate static func write(
        _ deployment: Hedgerow_Deployment_V1_Deployment, to output: OutputOptions
    ) throws {
        try output.write(
            json: DeploymentText.json(deployment),
            table: DeploymentText.table(deployment, coloured: CommandIO.current.isColoured))
    }

    /// `deployments pause ID`.
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Begin no further core of a deployment.",
            discussion: """
                Cores that are under way go on; hedgerow deployments resume goes on with the others.

                Example:
                  hedgerow deployments pause d-tb7r6ksgnoij
                """)

        @Argument(help: "Its id, as deploy and deployments list say it.")
        var id: String

        @Option(help: "Why, for those who look at it later; at most 256 bytes.")
        var reason = ""

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var request = Hedgerow_Deployment_V1_PauseDeploymentRequest()
            request.id = id
            request.reason = reason
            let deployment = try await home.withCloud { [request] cloud in
                try await cloud.deployments.pauseDeployment(request, options: cloud.options).deployment
            }
            try DeploymentsCommand.write(deployment, to: output)
        }
    }

    /// `deployments resume ID`.
    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Go on with a paused deployment.",
            discussion: """
                Cores that were not begun are begun, as the options of hedgerow deploy said.

                Example:
                  hedgerow deployments resume d-tb7r6ksgnoij
                """)

        @Argument(help: "Its id, as deploy and deployments list say it.")
        var id: String

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var request = Hedgerow_Deployment_V1_ResumeDeploymentRequest()
            request.id = id
            let deployment = try await home.withCloud { [request] cloud in
                try await cloud.deployments.resumeDeployment(request, options: cloud.options).deployment
            }
            try DeploymentsCommand.write(deployment, to: output)
        }
    }

    /// `deployments cancel ID`.
    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stop a deployment.",
            discussion: """
                Cores that were not begun keep what they run; those under way stop, and go back where they had switched; those \
                that came to an end stay as they are.

                Example:
                  hedgerow deployments cancel d-tb7r6ksgnoij
                """)

        @Argument(help: "Its id, as deploy and deployments list say it.")
        var id: String

        @Option(help: "Why, for those who look at it later; at most 256 bytes.")
        var reason = ""

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var request = Hedgerow_Deployment_V1_CancelDeploymentRequest()
            request.id = id
            request.reason = reason
            let deployment = try await home.withCloud { [request] cloud in
                try await cloud.deployments.cancelDeployment(request, options: cloud.options).deployment
            }
            try DeploymentsCommand.write(deployment, to: output)
        }
    }
}
