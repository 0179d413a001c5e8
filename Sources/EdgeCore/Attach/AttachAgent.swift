import Components
import FoundationEssentials
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Identity
import Logging
import Messaging
import PKI
import RPCSupport
import ServiceLifecycle
import StreamStore

/// Keeps the core attached to the cloud, for ever.
///
/// The cloud is never needed for the core to work: a failed attachment is logged, waited out with jittered, growing
/// waits, and tried again (lesson 4).
struct AttachAgent: Service {
    /// What an attachment needs.
    struct Parts: Sendable {
        let dialer: CloudDialer
        let revision: ActiveRevision
        let revoked: RevokedCertificates
        let certificate: ServerCertificate
        let addresses: ReportedAddresses
        let configuredPort: Int
        let listeningPort: Announced<Int>
        let certificates: ServedCertificates
        let clock: ClockFloor
        let activity: ComponentActivity
        /// Runs the programs of components; nil where there are none.
        let programs: Programs?
        /// Takes assignments and cancellations, has reports.
        let deployments: DeploymentBoard
        /// How the streams stand; nil where the core has none.
        let monitor: StreamMonitor?
        /// Carries out what the cloud asks of streams; nil where the core has none.
        let commands: StreamCommandRunner?
        /// The system's clock, right or wrong.
        let systemTime: @Sendable () -> Date
        let status: AttachmentStatus
        let timing: CoreConfiguration.Timing
        /// What this core runs on.
        let platform: Platform
        let version: String
        let logger: Logger
    }

    private let parts: Parts
    private var logger: Logger { parts.logger }

    init(parts: Parts) {
        self.parts = parts
    }

    func run() async throws {
        try? await cancelWhenGracefulShutdown { try await attachForEver() }
    }

    private func attachForEver() async throws {
        var backoff = Backoff(initial: parts.timing.reconnect.first, maximum: parts.timing.reconnect.longest)
        var lastReason: String?
        while true {
            let before = parts.status.snapshot.attachments
            var failure: (any Error)?
            do {
                try await attach()
            } catch {
                failure = error
            }
            let wasAttached = parts.status.snapshot.attachments > before
            if wasAttached { backoff.reset() }
            try Task.checkCancellation()
            let reason = failure.map { "\(parts.dialer.explain($0))" } ?? "the cloud ended the attachment"
            let isSuperseded =
                (failure as? RPCError).flatMap(HedgerowError.init)?.reason == .sessionSuperseded
            parts.status.update { status in
                status.isAttached = false
                status.lastError = reason
                if isSuperseded { status.superseded += 1 }
            }
            let wait =
                isSuperseded ? parts.timing.superseded * Double.random(in: 1...1.5) : backoff.next()
            if isSuperseded {
                logger.error(
                    """
                    another process attached with this core's identity; if it is not a second connection of this \
                    machine's, somebody runs a copy of the state directory: stop one of them
                    """,
                    metadata: [
                        "core.name": "\(parts.dialer.identity.principal.name)", "retry.after": "\(wait)",
                    ])
            } else {
                // The same reason again is no news, and a cloud that is away for a week would fill the disk.
                logger.log(
                    level: reason == lastReason && !wasAttached ? .debug : .warning,
                    "not attached to the cloud",
                    metadata: ["error.message": "\(reason)", "retry.after": "\(wait)"])
            }
            lastReason = reason
            try await Task.sleep(for: wait)
        }
    }

    /// One attachment, from its first connection attempt to its end.
    private func attach() async throws {
        try await parts.dialer.withClient { client in
            try await withThrowingDiscardingTaskGroup { group in
                let (events, sink) = AsyncStream.makeStream(
                    of: AttachEvent.self, bufferingPolicy: .bufferingOldest(AttachEvent.maximumQueued))
                let (outbox, out) = AsyncStream.makeStream(
                    of: Hedgerow_Deployment_V1_AttachRequest.self,
                    bufferingPolicy: .bufferingOldest(AttachEvent.maximumQueued))
                var session = AttachSession(parts: parts, outbox: out)
                try session.begin()
                // One that is dropped is made up for by the next tick.
                parts.deployments.observe { sink.yield(.reportsWait) }
                group.addTask {
                    defer { sink.finish() }
                    try await Self.exchange(client: client, outbox: outbox, out: out, sink: sink)
                }
                group.addTask { [tick = parts.timing.tick] in
                    while (try? await Task.sleep(for: tick)) != nil { sink.yield(.tick) }
                }
                group.addTask { [listeningPort = parts.listeningPort] in
                    if listeningPort.current == nil, (try? await listeningPort.value()) != nil {
                        sink.yield(.tick)
                    }
                }
                let secrets = SecretRefresh(parts: parts, wanted: Signal())
                group.addTask { await secrets.run(client) }
                for await event in events {
                    switch try await session.handle(event) {
                    case .renewCertificate(let delay)?:
                        group.addTask {
                            if (try? await Task.sleep(for: delay)) != nil { sink.yield(.renewalDue) }
                        }
                    case .refreshSecrets?: secrets.wanted.signal()
                    case .run(let command)?:
                        group.addTask { [commands = parts.commands] in
                            guard let result = await commands?.run(command) else { return }
                            await Self.send(.commandEnded(result), to: sink)
                        }
                    case nil: break
                    }
                }
                group.cancelAll()
            }
        }
    }

    /// Sends what must not get lost where many events wait: nothing else would ever end the command.
    private static func send(_ event: AttachEvent, to sink: AsyncStream<AttachEvent>.Continuation) async {
        while case .dropped = sink.yield(event) {
            do { try await Task.sleep(for: .milliseconds(50)) } catch { return }
        }
    }

    private static func exchange(
        client: GRPCClient<HTTP2ClientTransport.Posix>,
        outbox: AsyncStream<Hedgerow_Deployment_V1_AttachRequest>,
        out: AsyncStream<Hedgerow_Deployment_V1_AttachRequest>.Continuation,
        sink: AsyncStream<AttachEvent>.Continuation
    ) async throws {
        let service = Hedgerow_Deployment_V1_DeploymentService.Client(wrapping: client)
        try await service.attach { writer in
            for await request in outbox { try await writer.write(request) }
        } onResponse: { response in
            defer { out.finish() }
            for try await message in response.messages {
                if case .dropped = sink.yield(.message(message)) {
                    throw HedgerowError(
                        .resourceExhausted, .queueFull,
                        "the cloud sent more than \(AttachEvent.maximumQueued) messages at once; attaching again"
                    )
                }
            }
        }
    }
}
