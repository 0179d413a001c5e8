import ArgumentParser
import Components
import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Messaging
import RPCSupport
import Synchronization

/// `hedgerow deploy GROUP`.
struct DeployCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deploy",
        abstract: "Deploy a group's newest revision to its cores.",
        discussion: """
            With --wait it shows each core's status as it changes and ends when every core has come to an end: exit \
            code 0 where all succeeded, 6 where one did not, 8 where the time was up (the deployment goes on). A core \
            that is not connected gets the deployment when it returns.

            All cores begin at once, unless one of the options for waves is there. The options that stop a rollout \
            leave alone who came to an end. hedgerow deployments pause, resume and cancel act on one under way.

            Example:
              hedgerow deploy press-hall --wait
              hedgerow deploy press-hall --revision 4 --wait --timeout 2m
              hedgerow deploy halls --max-in-flight 10 --abort-above 5 --abort-after 20
              hedgerow deploy halls --max-per-minute 2 --grow-by 2 --grow-after 10
            """)

    @Argument(help: "The group's name.")
    var group: String

    @Option(help: "Revision number (default: the newest).")
    var revision: UInt64 = 0

    @OptionGroup var waiting: WaitOptions
    @OptionGroup(title: "Waves") var rollout: RolloutOptions
    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var request = Hedgerow_Deployment_V1_CreateDeploymentRequest()
        request.group = group
        request.revision = revision
        try await Self.deploy(
            request, rollout: rollout, waiting: waiting, home: home, output: output
        ) { deployment, isWaiting in
            guard isWaiting else { return [] }
            return ["Deployment \(deployment.id): revision \(deployment.revision) of \(deployment.group)"]
                + deployment.lock.map { "component  \(Text.printable(ComponentText.line($0)))" }
        }
    }

    /// Makes a deployment, waits for its end where that is wanted, and writes what became of it.
    ///
    /// - Parameter announcing: what is said once it is made; whether it is waited for is the second argument.
    static func deploy(
        _ request: Hedgerow_Deployment_V1_CreateDeploymentRequest, rollout: RolloutOptions,
        waiting: WaitOptions, home: HomeOptions, output: OutputOptions,
        announcing: (Hedgerow_Deployment_V1_Deployment, Bool) -> [String]
    ) async throws {
        let limit = try waiting.limit
        var request = request
        request.requestID = UUID().uuidString
        if let policy = rollout.policy { request.rollout = policy }
        let reply = try await home.withCloud { [request] cloud in
            try await cloud.deployments.createDeployment(request, options: cloud.options)
        }
        for warning in reply.warnings { CLIError.note("warning: \(request.group): \(warning)") }
        var deployment = reply.deployment
        let io = CommandIO.current
        var ended = DeploymentText.isFinal(deployment)
        let isWaiting = waiting.wait && !ended
        for line in announcing(deployment, isWaiting) { io.note(line) }
        if isWaiting {
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
        guard waiting.wait else {
            if output.format == .table {
                io.note("Next: hedgerow deployments show \(deployment.id)")
            }
            return
        }
        try judge(deployment, ended: ended, limit: limit)
    }

    /// Turns the outcome into the exit code.
    static func judge(_ deployment: Hedgerow_Deployment_V1_Deployment, ended: Bool, limit: TimeSpan)
        throws(CLIError)
    {
        let unsuccessful = deployment.cores.filter {
            DeploymentText.isFinal($0.status) && $0.status != .succeeded
        }
        if let core = unsuccessful.first {
            let reason = core.reason.isEmpty ? "no reason given" : core.reason
            let others = unsuccessful.count > 1 ? " (and \(unsuccessful.count - 1) more)" : ""
            throw CLIError(
                .deploymentFailed,
                "the deployment did not succeed: \(core.core) is \(DeploymentText.word(core.status))\(others)",
                hint: reason)
        }
        if !ended {
            let waiting = deployment.cores.filter { !DeploymentText.isFinal($0.status) }.map(\.core)
            throw CLIError(
                .timedOut, "after \(limit) \(waiting.joined(separator: ", ")) had not come to an end",
                hint: "the deployment goes on; see hedgerow deployments show \(deployment.id)")
        }
    }
}

/// Follows a deployment to its end, over lost connections.
final class DeploymentWatch: Sendable {
    private let home: HomeOptions
    private let state: Mutex<Hedgerow_Deployment_V1_Deployment>

    init(home: HomeOptions, first: Hedgerow_Deployment_V1_Deployment) {
        self.home = home
        self.state = Mutex(first)
        for core in first.cores { Self.say(core) }
    }

    var newest: Hedgerow_Deployment_V1_Deployment { state.withLock { $0 } }

    /// Which cores have not come to an end, for somebody who waits for them.
    var waiting: String {
        let cores = newest.cores.filter { !DeploymentText.isFinal($0.status) }.map(\.core)
        if cores.count > 3 { return DeploymentText.counts(newest) }
        return "waiting for core\(cores.count == 1 ? "" : "s") \(cores.joined(separator: ", "))"
    }

    func untilEnd(_ progress: Progress) async throws {
        var backoff = Backoff(maximum: .seconds(10))
        while !DeploymentText.isFinal(newest) {
            do {
                try await home.withCloud { cloud in try await self.watch(cloud, progress) }
                backoff.reset()
            } catch let error as CLIError where error.status == .unreachable {
                CommandIO.current.note("hedgerow: \(error); waiting for it to come back")
            }
            if DeploymentText.isFinal(newest) { return }
            try await Task.sleep(for: backoff.next())
        }
    }

    private func watch(_ cloud: CloudSession, _ progress: Progress) async throws {
        var request = Hedgerow_Deployment_V1_WatchDeploymentRequest()
        request.id = newest.id
        try await cloud.deployments.watchDeployment(request) { response in
            for try await message in response.messages {
                self.take(message.deployment, isTable: progress.isShown)
                progress.say(self.waiting, rows: DeploymentText.rows(message.deployment))
            }
        }
    }

    /// - Parameter isTable: whether a table shows who is under way, so that only ends need a line.
    private func take(_ deployment: Hedgerow_Deployment_V1_Deployment, isTable: Bool) {
        let before = state.withLock { state in
            defer { state = deployment }
            return state
        }
        if before.state != deployment.state, let line = DeploymentText.stateLine(deployment) {
            CommandIO.current.note(line)
        }
        let known = Dictionary(before.cores.map { ($0.core, $0) }) { first, _ in first }
        for core in deployment.cores {
            let old = known[core.core]
            guard old?.status != core.status || old?.reason != core.reason || old?.stage != core.stage,
                !isTable || DeploymentText.isFinal(core.status)
            else { continue }
            Self.say(core)
        }
    }

    private static func say(_ core: Hedgerow_Deployment_V1_CoreDeployment) {
        let io = CommandIO.current
        io.note(DeploymentText.line(core, coloured: io.isErrorColoured))
    }
}
