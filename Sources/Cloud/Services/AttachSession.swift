import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Identity
import Logging
import PKI
import RPCSupport
import SwiftProtobuf
import Synchronization

/// One attachment of a core: what it says is read by one task, what it is told is written by another. Between
/// them is a mailbox of flags, so that a slow core costs nothing.
struct AttachSession: Sendable {
    /// How long a core may take to say hello.
    static let helloTimeout: Duration = .seconds(10)
    /// Most addresses that a core may report.
    static let maximumEndpoints = 32
    /// Longest time that a core may take for a stage of a deployment.
    static let maximumStage: Duration = .seconds(2 * 3_600)
    /// How long the cloud waits for the report of a stage whose time is over.
    static let reportGrace: Duration = .seconds(30)
    /// Bytes of a report's reason that are kept.
    static let maximumReason = 4_096

    let cloud: CloudContext
    let core: Principal
    let mailbox: AttachMailbox
    private let greeted = Greeting()

    init(_ cloud: CloudContext, core: Principal) {
        self.cloud = cloud
        self.core = core
        mailbox = AttachMailbox(core: core.name)
    }

    /// Runs until the core goes away, is superseded or cut off, or the server shuts down.
    func run(
        requests: RPCAsyncSequence<Hedgerow_Deployment_V1_AttachRequest, any Error>,
        responses: RPCWriter<Hedgerow_Deployment_V1_AttachResponse>, context: ServerContext
    ) async throws {
        let outcome: Result<Void, any Error>
        do {
            try await untilCancelled(context) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { for try await request in requests { try await receive(request) } }
                    group.addTask { try await write(to: responses) }
                    group.addTask { try await watchGreeting() }
                    defer { group.cancelAll() }
                    // The reader ends where the core has nothing more to say; anything else that ends, throws.
                    try await group.next()
                    // Streams end without an error where their task is cancelled.
                    try Task.checkCancellation()
                }
            }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        if greeted.isDone { leave() }
        try outcome.get()
    }

    private func leave() {
        guard cloud.hub.detach(mailbox, at: cloud.now) else { return }
        cloud.deploymentChanges.fire()
        cloud.logger.info("core detached", metadata: ["core": "\(core.name)"])
    }

    private func watchGreeting() async throws {
        try await cloud.time.sleep(Self.helloTimeout)
        guard greeted.isDone else {
            throw HedgerowError(
                .invalidArgument, .invalidField, "the first request must carry `hello`, within 10 seconds",
                violations: [.init(field: "hello", description: "must be in the first request")])
        }
        // Nothing more to watch; the others go on.
        while true { try await cloud.time.sleep(.seconds(86_400)) }
    }

    // MARK: What the core says

    private func receive(_ request: Hedgerow_Deployment_V1_AttachRequest) async throws {
        if case .hello(let hello) = request.event {
            guard !greeted.isDone else {
                throw HedgerowError(violations: [
                    .init(field: "hello", description: "may only be in the first request")
                ])
            }
            return try await greet(hello)
        }
        guard greeted.isDone else {
            throw HedgerowError(violations: [
                .init(field: "hello", description: "must be in the first request")
            ])
        }
        switch request.event {
        case .report(let report): try await record(report)
        case .serverCertificateRequest(let wish): try requestCertificate(wish)
        case .endpoints(let endpoints):
            try await cloud.deployments.recordEndpoints(
                try Self.endpoints(endpoints, "endpoints"), of: core.name)
        case .componentStatuses(let statuses):
            try ComponentStatusBoard.check(statuses).finish()
            cloud.componentStatuses.record(
                statuses.components, of: core.name, running: cloud.directory.activeRevision(of: core.name))
        case .streamStatuses(let statuses):
            try StreamStatusBoard.check(statuses).finish()
            cloud.streamStatuses.record(statuses.streams, of: core.name, at: cloud.now)
        case .streamCommandResult(let result):
            if !mailbox.commands.receive(result) {
                cloud.logger.debug(
                    "the result of a command came too late", metadata: ["core": "\(core.name)"])
            }
        case .hello, nil:
            // Something that a newer core says: nothing that this version would act on.
            break
        }
    }

    private func greet(_ hello: Hedgerow_Deployment_V1_CoreHello) async throws {
        var check = RequestCheck()
        check.require(hello.version.utf8.count <= 128, "hello.version", "has more than 128 bytes")
        if !hello.activeGroup.isEmpty { check.name(hello.activeGroup, "hello.active_group") }
        let platform = Self.platform(hello.platform, &check)
        try check.finish()
        let now = cloud.now
        let skew = hello.hasLocalTime ? hello.localTime.asDate.timeIntervalSince(now) * 1_000 : 0
        let claimed =
            hello.activeGroup.isEmpty || hello.activeRevision == 0
            ? nil : RevisionID(group: hello.activeGroup, number: hello.activeRevision)
        let active = try await cloud.deployments.recordHello(
            CoreHelloRecord(
                core: core.name, version: hello.version,
                endpoints: try Self.endpoints(hello.endpoints, "hello.endpoints"), active: claimed,
                clockSkewMilliseconds: Int64(exactly: skew.rounded()) ?? 0, platform: platform), at: now)
        if let claimed, active == nil {
            cloud.logger.warning(
                "a core says it runs a revision that does not exist here or does not name it",
                metadata: [
                    "core": "\(core.name)", "group": "\(claimed.group)", "revision": "\(claimed.number)",
                ])
        }
        activate(active)
        greeted.markDone()
        cloud.hub.attach(mailbox)
        mailbox.post([.welcome, .revocations, .assignment, .authority])
        cloud.deploymentChanges.fire()
        cloud.logger.info(
            "core attached",
            metadata: [
                "core": "\(core.name)", "version": "\(hello.version)",
                "clock.skew.ms": "\(Int(skew.rounded()))",
            ])
    }

    /// The core runs a revision, or none.
    private func activate(_ revision: RevisionRecord?) {
        cloud.directory.activate(revision, on: core.name)
        cloud.componentStatuses.keep(
            only: revision.map { RevisionID(group: $0.group, number: $0.number) }, of: core.name)
    }

    private func record(_ report: Hedgerow_Deployment_V1_DeploymentReport) async throws {
        guard let stage = report.status.reported else {
            throw HedgerowError(violations: [
                .init(
                    field: "report.status",
                    description:
                        "is \(report.status.rawValue); a core reports IN_PROGRESS, SUCCEEDED, FAILED, "
                        + "ROLLED_BACK or CANCELED")
            ])
        }
        let now = cloud.now
        let recorded = try await cloud.deployments.recordReport(
            CoreReport(
                deploymentID: report.deploymentID, stage: stage,
                reason: String(decoding: report.reason.utf8.prefix(Self.maximumReason), as: UTF8.self),
                step: report.stage.rawValue, deadline: Self.deadline(of: report, at: now)),
            core: core.name, at: now)
        guard recorded.known else {
            // From before a restore of the cloud: nothing to do about it, and no reason to end the attachment.
            cloud.logger.warning(
                "a core reports on a deployment that does not exist here", metadata: ["core": "\(core.name)"])
            return
        }
        if let active = recorded.active { activate(active) }
        if let reason = recorded.aborted {
            cloud.logger.warning(
                "a rollout was stopped because too many cores failed",
                metadata: ["deployment": "\(report.deploymentID)", "reason": "\(reason)"])
        }
        if stage == .succeeded { mailbox.post(.authority) }
        cloud.deploymentChanges.fire()
    }

    /// When what a core is at is over, with time for the report to arrive; nil where it does not say.
    private static func deadline(
        of report: Hedgerow_Deployment_V1_DeploymentReport, at now: Date
    ) -> Date? {
        guard report.hasStageTimeLeft else { return nil }
        let left = min(max(.zero, report.stageTimeLeft.asDuration), maximumStage)
        return now.adding(left + reportGrace)
    }

    private func requestCertificate(_ wish: Hedgerow_Deployment_V1_ServerCertificateRequest) throws {
        do throws(PKIError) {
            mailbox.post(try SigningRequest(der: Array(wish.signingRequest)))
        } catch {
            throw HedgerowError(signing: error)
        }
    }

    private static func endpoints(
        _ message: Hedgerow_Deployment_V1_CoreEndpoints, _ field: String
    ) throws(HedgerowError) -> [CoreEndpoint] {
        var check = RequestCheck()
        check.require(
            message.endpoints.count <= maximumEndpoints, field,
            "has \(message.endpoints.count) entries; at most \(maximumEndpoints) are allowed")
        for (index, endpoint) in message.endpoints.prefix(maximumEndpoints).enumerated() {
            let field = "\(field)[\(index)]"
            check.require(
                IPLiteral(endpoint.host) != nil || ServerNames.isDNSName(endpoint.host), "\(field).host",
                "is neither a DNS name nor an IP address")
            check.require((1...65_535).contains(endpoint.port), "\(field).port", "is not from 1 to 65535")
            check.require(endpoint.metadata.utf8.count <= 256, "\(field).metadata", "has more than 256 bytes")
        }
        try check.finish()
        return message.endpoints.map {
            CoreEndpoint(host: $0.host, port: Int($0.port), metadata: $0.metadata)
        }
    }
}

/// Whether the core said hello.
private final class Greeting: Sendable {
    private let done = Mutex(false)

    var isDone: Bool { done.withLock { $0 } }

    func markDone() { done.withLock { $0 = true } }
}
