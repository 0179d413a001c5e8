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
                that was deployed last. The newest revision stays what it is: hedgerow deploy takes it up again. \
                --dry-run says what would start, stop and restart, and what would be downloaded.

                Example:
                  hedgerow groups rollback press-hall --dry-run
                  hedgerow groups rollback press-hall --wait
                  hedgerow groups rollback press-hall --to 4
                """)

        @Argument(help: "The group's name.")
        var name: String

        @Option(name: .customLong("to"), help: "Revision number (default: the one before).")
        var revision: UInt64 = 0

        @Flag(help: "Show what it would do, as hedgerow plan does, and deploy nothing.")
        var dryRun = false

        @OptionGroup var waiting: WaitOptions
        @OptionGroup(title: "Waves") var rollout: RolloutOptions
        @OptionGroup var home: HomeOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            if dryRun, waiting.wait { throw ValidationError("Give --dry-run or --wait, not both.") }
        }

        func run() async throws {
            if dryRun {
                var request = Hedgerow_Deployment_V1_PlanDeploymentRequest()
                request.group = name
                request.revision = revision
                request.rollback = true
                return try await PlanCommand.show(request, home: home, output: output)
            }
            var request = Hedgerow_Deployment_V1_CreateDeploymentRequest()
            request.group = name
            request.revision = revision
            request.rollback = true
            try await DeployCommand.deploy(
                request, rollout: rollout, waiting: waiting, home: home, output: output
            ) { deployment, _ in
                [
                    "Deployment \(deployment.id): revision \(deployment.revision) of \(deployment.group), with the "
                        + "lock of \(deployment.lockOfDeployment)"
                ]
            }
        }
    }
}
