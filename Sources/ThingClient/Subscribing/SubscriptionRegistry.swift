import GRPCCore
import Messaging
import RPCSupport
import Synchronization

/// The subscriptions of a thing. They outlive connections.
final class SubscriptionRegistry: Sendable {
    /// Most subscriptions of one thing; a core serves no more.
    static let limit = 10

    private struct State: Sendable {
        var nextID: UInt64 = 1
        var active: [UInt64: Subscription] = [:]
        var ended: Result<Void, ThingError>?
    }

    private let state = Mutex(State())
    private let changed = ChangeSignal()

    func add(filters: [String], qos: DeliveryGuarantee, capacity: Int) throws(ThingError) -> Subscription {
        if filters.isEmpty || filters.count > 100 {
            throw ThingError.invalidMessage(
                "A subscription needs 1 to 100 topic filters, not \(filters.count).")
        }
        for filter in filters { try MessageRules.check(filter: filter) }
        // A message at QoS 1 has one acknowledger: servers let a newer subscription end the older one.
        if qos == .atLeastOnce, state.withLock({ $0.active.values.contains { $0.qos == .atLeastOnce } }) {
            throw ThingError.invalidConfiguration(
                "A thing has one subscription at QoS 1 at a time; give that one all the filters, or end it first."
            )
        }
        let subscription = state.withLock { state -> Subscription? in
            guard state.active.count < Self.limit else { return nil }
            let subscription = Subscription(id: state.nextID, filters: filters, qos: qos, capacity: capacity)
            state.nextID += 1
            if let ended = state.ended {
                subscription.end(ended)
            } else {
                state.active[subscription.id] = subscription
            }
            return subscription
        }
        guard let subscription else {
            throw ThingError.invalidConfiguration(
                "A thing has at most \(Self.limit) subscriptions at a time; end one first, or use more filters in "
                    + "one.")
        }
        changed.notify()
        return subscription
    }

    func remove(_ subscription: Subscription) {
        subscription.end(.success(()))
        state.withLock { _ = $0.active.removeValue(forKey: subscription.id) }
        changed.notify()
    }

    /// Ends all subscriptions, and those that come later.
    func end(_ result: Result<Void, ThingError>) {
        let active = state.withLock { state in
            if state.ended == nil { state.ended = result }
            defer { state.active.removeAll() }
            return Array(state.active.values)
        }
        for subscription in active { subscription.end(result) }
        changed.notify()
    }

    /// Keeps every subscription at a server, new ones too, until the task is cancelled.
    func serve(
        _ client: PublishSession.Client, clock: any Clock<Duration>, backoff: Backoff,
        report: @escaping @Sendable (ThingEvent) -> Void
    ) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            var served: Set<UInt64> = []
            var seen = changed.version
            while true {
                let active = state.withLock { $0.active }
                served.formIntersection(active.keys)
                for (id, subscription) in active where served.insert(id).inserted {
                    group.addTask {
                        await subscription.serve(client, clock: clock, backoff: backoff, report: report)
                    }
                }
                do {
                    seen = try await changed.wait(after: seen)
                } catch {
                    group.cancelAll()
                    throw error
                }
            }
        }
    }
}
