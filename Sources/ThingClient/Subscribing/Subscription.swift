import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Messaging
import RPCSupport
import Synchronization

/// One subscription: what it wants, what has come, and the loop that keeps it at a server.
final class Subscription: Sendable {
    private struct State: Sendable {
        var buffer: SubscriptionBuffer
        var ended: Result<Void, ThingError>?
    }

    let id: UInt64
    private let filters: [String]
    let qos: DeliveryGuarantee
    private let state: Mutex<State>
    /// Something came for the handler.
    private let arrived = ChangeSignal()
    /// The handler did something that the server may be told.
    private let handled = ChangeSignal()

    init(id: UInt64, filters: [String], qos: DeliveryGuarantee, capacity: Int) {
        self.id = id
        self.filters = filters
        self.qos = qos
        self.state = Mutex(State(buffer: SubscriptionBuffer(capacity: capacity)))
    }

    var isEnded: Bool { state.withLock { $0.ended != nil } }

    func end(_ result: Result<Void, ThingError>) {
        state.withLock { if $0.ended == nil { $0.ended = result } }
        arrived.notify()
        handled.notify()
    }

    /// The next message; nil when the subscription has ended.
    func next(after previous: SubscriptionBuffer.Item?) async throws -> SubscriptionBuffer.Item? {
        if let previous {
            state.withLock { $0.buffer.finish(previous) }
            handled.notify()
        }
        var seen = arrived.version
        while true {
            let (item, ended) = state.withLock { ($0.buffer.take(), $0.ended) }
            if let item {
                handled.notify()
                return item
            }
            if let ended {
                try ended.get()
                return nil
            }
            seen = try await arrived.wait(after: seen)
        }
    }

    /// Keeps the subscription at a server until it ends or the task is cancelled.
    func serve(
        _ client: PublishSession.Client, clock: any Clock<Duration>, backoff: Backoff,
        report: @escaping @Sendable (ThingEvent) -> Void
    ) async {
        var backoff = backoff
        while !Task.isCancelled, !isEnded {
            do {
                try await session(client, report: report)
            } catch {
                if Task.isCancelled || isEnded { return }
                let list = filters.joined(separator: ", ")
                report(
                    .problem("The subscription to \(list) ended and is tried again: \(CallerError(error))."))
            }
            do { try await clock.sleep(for: backoff.next()) } catch { return }
        }
    }

    private func session(
        _ client: PublishSession.Client, report: @escaping @Sendable (ThingEvent) -> Void
    ) async throws {
        state.withLock { $0.buffer.beginSession() }
        defer { state.withLock { $0.buffer.endSession() } }
        try await client.subscribe { [self] writer in
            var request = Hedgerow_Telemetry_V1_SubscribeRequest()
            request.start.topicFilters = filters
            request.start.atLeastOnce = qos == .atLeastOnce
            var seen = handled.version
            var first = true
            while !isEnded {
                let answer = state.withLock { $0.buffer.answer() }
                if first || !answer.isEmpty {
                    request.addCredit = answer.credit
                    request.acknowledgedDeliveryIds = answer.acknowledged
                    try await writer.write(request)
                    request = Hedgerow_Telemetry_V1_SubscribeRequest()
                    first = false
                }
                seen = try await handled.wait(after: seen)
            }
            // What was handled is still told.
            let answer = state.withLock { $0.buffer.answer() }
            if !answer.acknowledged.isEmpty {
                request.acknowledgedDeliveryIds = answer.acknowledged
                try await writer.write(request)
            }
            // Nobody listens any more: the stream is given up whatever the server does.
            throw CancellationError()
        } onResponse: { [self] response in
            for try await message in response.messages {
                if message.dropped > 0 { report(.missed(count: message.dropped)) }
                try state.withLock { state in
                    for delivery in message.deliveries { try state.buffer.receive(delivery) }
                }
                arrived.notify()
                // A repeat gives its credit back without a handler having done anything.
                handled.notify()
            }
        }
    }
}
