import FoundationEssentials
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Messaging
import PKI
import RPCSupport

/// Keeps a thing connected: tries its addresses in order, goes on to the next where one fails or drops the
/// session, asks the cloud again when all have failed, and backs off between the rounds.
///
/// No gRPC retry is used; what a server already has is told by its answer to the next session.
struct ConnectionLoop: Sendable {
    let publisher: Publisher
    let subscriptions: SubscriptionRegistry
    let shadows: ShadowRegistry
    let network: any ThingNetwork
    let stream: String
    let connectTimeout: Duration
    let clock: any Clock<Duration>
    let now: @Sendable () -> Date
    let backoff: Backoff

    /// How an attempt at one address ended.
    private struct Attempt {
        var connected = false
        /// Something was acknowledged or the session lasted: the next pause is short again.
        var useful = false
        var gap = false
        /// The thing was closed and has nothing left to do.
        var closed = false
    }

    /// A session that lasted so long was worth connecting for.
    private static let usefulDuration: Duration = .seconds(5)

    /// Runs until the thing is closed and drained, or cancelled.
    ///
    /// - Throws: ``ThingError/superseded(_:)``, `CancellationError`.
    func run() async throws {
        var backoff = backoff
        var refresh = false
        while true {
            try Task.checkCancellation()
            let targets = try await targets(refresh: refresh)
            var useful = false
            for target in targets {
                if publisher.isClosing, publisher.isDrained { return }
                var attempt = try await attempt(target)
                // The server told which sequence it expects; a new session resumes there.
                if attempt.gap { attempt = try await self.attempt(target) }
                if attempt.closed { return }
                useful = useful || attempt.useful
            }
            if publisher.isClosing, publisher.isDrained { return }
            if useful { backoff.reset() }
            // Known addresses get another round after a session that worked; the cloud may be away.
            refresh = !useful
            try await clock.sleep(for: backoff.next())
        }
    }

    private func targets(refresh: Bool) async throws -> [ServerTarget] {
        do {
            let targets = try await network.targets(refresh: refresh) { publisher.report($0) }
            if targets.isEmpty {
                publisher.report(.problem("The cloud knows no core for this thing; deploy its group."))
            }
            return targets
        } catch let error as CancellationError {
            throw error
        } catch {
            try Task.checkCancellation()
            publisher.report(.problem("\(error)"))
            return []
        }
    }

    private func attempt(_ target: ServerTarget) async throws -> Attempt {
        var result = Attempt()
        let began = ContinuousClock.now
        let acknowledgedBefore = publisher.statistics.lastAcknowledgedSequence
        let sessionsBefore = publisher.sessionCount
        var failure: CallerError?
        do {
            let link = try await network.link(to: target)
            do {
                try await withGRPCClient(
                    transport: link.transport, interceptors: TracingClientInterceptor.current()
                ) { client in
                    try await serve(client, target: target)
                }
            } catch {
                failure = link.explain(error)
            }
            result.closed = publisher.isClosing && publisher.isDrained
        } catch {
            failure = CallerError(error, endpoint: target.endpoint)
        }
        publisher.sessionEnded()
        try Task.checkCancellation()
        if result.closed { return result }
        result.connected = publisher.sessionCount > sessionsBefore
        result.useful =
            result.connected
            && (publisher.statistics.lastAcknowledgedSequence > acknowledgedBefore
                || ContinuousClock.now - began > Self.usefulDuration)
        if case .answered(.sessionSuperseded) = failure?.kind {
            throw ThingError.superseded(
                "Another process publishes as this thing on stream \"\(stream)\" and took over; stop one of the "
                    + "two, or give this one a stream name of its own.")
        }
        if case .answered(.sequenceGap) = failure?.kind { result.gap = true }
        publisher.report(
            .disconnected(core: target.core, reason: failure?.description ?? "the server ended the session"))
        return result
    }

    /// Runs the session, the subscriptions and what is done with shadows on one connection until one of them ends it.
    private func serve(_ client: GRPCClient<HTTP2ClientTransport.Posix>, target: ServerTarget) async throws {
        let telemetry = Hedgerow_Telemetry_V1_TelemetryService.Client(wrapping: client)
        let session = PublishSession(publisher: publisher, stream: stream, target: target, now: now)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await session.run(telemetry)
                return true
            }
            group.addTask {
                try await clock.sleep(for: connectTimeout)
                guard publisher.isConnected else {
                    throw RPCError(
                        code: .deadlineExceeded, message: "No answer within \(connectTimeout).")
                }
                return false
            }
            group.addTask {
                try await publisher.connected()
                try await subscriptions.serve(telemetry, clock: clock, backoff: backoff) {
                    publisher.report($0)
                }
                return false
            }
            group.addTask {
                try await publisher.connected()
                try await shadows.serve(
                    ShadowCalls.Client(wrapping: client), core: target.core, clock: clock, backoff: backoff
                ) {
                    publisher.report($0)
                }
                return false
            }
            defer { group.cancelAll() }
            while let over = try await group.next(), !over {}
        }
    }
}
