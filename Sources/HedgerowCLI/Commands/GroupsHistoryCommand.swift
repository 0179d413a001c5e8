import ArgumentParser
import Components
import FoundationEssentials
import HedgerowAPI

extension GroupsCommand {
    /// `groups history NAME`.
    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "List a group's revisions: when, who, what each changed, and what its deployments came to.",
            discussion: """
                The newest is first. A deployment that went back to an earlier lock is marked as rollback.

                Example:
                  hedgerow groups history press-hall
                  hedgerow groups history press-hall --limit 5 --output json
                """)

        @Argument(help: "The group's name.")
        var name: String

        @Option(help: "At most so many.")
        var limit = 100

        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            if limit < 1 { throw ValidationError("--limit is at least 1.") }
        }

        func run() async throws {
            let revisions = try await home.withCloud { cloud in
                var found: [Hedgerow_Registry_V1_GroupRevisionSummary] = []
                try await Pages.walk { token in
                    var request = Hedgerow_Registry_V1_ListGroupRevisionsRequest()
                    request.group = name
                    request.pageSize = UInt32(clamping: min(limit, 1_000))
                    request.pageToken = token
                    let page = try await cloud.registry.listGroupRevisions(request, options: cloud.options)
                    return (page.revisions, page.nextPageToken)
                } use: { page in
                    found += page
                    return found.count < limit
                }
                return Array(found.prefix(limit))
            }
            try output.write(
                json: .list(revisions.map(GroupHistoryText.json)),
                table: GroupHistoryText.table(revisions, coloured: CommandIO.current.isColoured))
        }
    }

    /// `groups rollback NAME`.
    struct Rollback: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Deploy an earlier revision again, with exactly what it ran.",
            discussion: """
                The versions are those of the revision's last successful deployment; nothing is chosen anew, whatever was \
                registered since. Without --to it is the newest revision that was deployed successfully before the one \
                that was deployed last. The newest revision stays what it is: hedgerow deploy takes it up again.

                Example:
                  hedgerow groups rollback press-hall --wait
                  hedgerow groups rollback press-hall --to 4
                """)

        @Argument(help: "The group's name.")
        var name: String

        @Option(name: .customLong("to"), help: "Revision number (default: the one before).")
        var revision: UInt64 = 0

        @Flag(help: "Wait until every core has come to an end.")
        var wait = false

        @Option(help: ArgumentHelp("How long --wait waits.", valueName: "time"))
        var timeout = "5m"

        @OptionGroup(title: "Waves") var rollout: RolloutOptions
        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            guard let limit = try? TimeSpan(parsing: timeout), limit > .seconds(0) else {
                throw CLIError(
                    .wrongUse, "--timeout is \"\(timeout)\"", hint: "write a span, such as 90s or 5m")
            }
            var request = Hedgerow_Deployment_V1_CreateDeploymentRequest()
            request.requestID = UUID().uuidString
            request.group = name
            request.revision = revision
            request.rollback = true
            if let policy = rollout.policy { request.rollout = policy }
            let reply = try await home.withCloud { [request] cloud in
                try await cloud.deployments.createDeployment(request, options: cloud.options)
            }
            for warning in reply.warnings { CLIError.note("warning: \(name): \(warning)") }
            var deployment = reply.deployment
            let io = CommandIO.current
            io.note(
                "Deployment \(deployment.id): revision \(deployment.revision) of \(deployment.group), with the lock of "
                    + "\(deployment.lockOfDeployment)")
            var ended = DeploymentText.isFinal(deployment)
            if wait && !ended {
                let watch = DeploymentWatch(home: home, first: deployment)
                ended =
                    try await Interruption.run(for: limit.duration) {
                        try await Progress.show(watch.waiting) { try await watch.untilEnd($0) }
                    } != nil
                deployment = watch.newest
            }
            try output.write(
                json: DeploymentText.json(deployment),
                table: DeploymentText.table(deployment, coloured: io.isColoured))
            if wait {
                try DeployCommand.judge(deployment, ended: ended, limit: limit)
            } else if output.format == .table {
                io.note("Next: hedgerow deployments show \(deployment.id)")
            }
        }
    }
}
