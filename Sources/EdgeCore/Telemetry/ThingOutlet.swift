import HedgerowAPI
import Messaging
import RPCSupport
import StreamStore
import SwiftProtobuf
import Synchronization

/// One subscription of a thing at this core.
final class ThingOutlet: Sendable {
    /// Most live messages waiting; the oldest falls out.
    static let maximumLive = 1_000
    /// Most messages of the queue on their way that the thing has not acknowledged.
    static let maximumInFlight = 64
    /// Most messages of the cloud's that wait or are on their way; the cloud itself sends no more than 64 of a
    /// thing's before it hears of some.
    static let maximumRelayed = 256

    /// A message of the cloud's.
    struct Relayed: Sendable {
        let delivery: Hedgerow_Telemetry_V1_Delivery
        /// To be called when the thing has it.
        var done: @Sendable () -> Void

        /// Whether another delivery is this one again, over a new connection to the cloud. The id alone does not
        /// tell: a cloud that was restored from an older copy gives it to another message.
        func isSame(as other: Hedgerow_Telemetry_V1_Delivery) -> Bool {
            delivery.deliveryID == other.deliveryID && delivery.deliveryID > 0
                && delivery.record.origin == other.record.origin
        }
    }

    /// A message on its way, by where it came from.
    enum Reference: Sendable {
        /// From this core's own queue.
        case queued(Int64)
        /// From the cloud.
        case relayed(Relayed)
    }

    private struct State {
        var live: [MessageRecord] = []
        var relayed: [Relayed] = []
        var inFlight: [UInt64: Reference] = [:]
        /// How many of those on their way are the cloud's.
        var relayedInFlight = 0
        var nextDelivery: UInt64 = 1
        var sentThrough: Int64 = 0
        var dropped: UInt64 = 0
        var isSuperseded = false
        var isDroppedDue = true
    }

    let thing: String
    let filters: [TopicFilter]
    let isAtLeastOnce: Bool
    private let state = Mutex(State())
    private let arrival = Signal()

    init(thing: String, filters: [TopicFilter], isAtLeastOnce: Bool) {
        self.thing = thing
        self.filters = filters
        self.isAtLeastOnce = isAtLeastOnce
    }

    var isSuperseded: Bool { state.withLock { $0.isSuperseded } }

    func wake() { arrival.signal() }

    func wait() async { await arrival.wait() }

    func supersede() {
        state.withLock { $0.isSuperseded = true }
        arrival.signal()
    }

    func wants(_ record: MessageRecord) -> Bool {
        guard let topic = try? Topic(record.message.topic) else { return false }
        return filters.contains { $0.matches(topic) }
    }

    /// Offers messages that are in no queue, or that a subscription at QoS 0 does not take from there.
    func offerLive(_ records: [MessageRecord], always: Bool = false) {
        let wanted = records.filter { record in
            (always || !isAtLeastOnce || record.origin.lastSequence == 0) && wants(record)
        }
        guard !wanted.isEmpty else { return }
        state.withLock { state in
            state.live.append(contentsOf: wanted)
            let excess = state.live.count - Self.maximumLive
            if excess > 0 {
                state.live.removeFirst(excess)
                state.dropped += UInt64(excess)
            }
        }
        arrival.signal()
    }

    /// Offers a message from the cloud. One that waits here or is on its way already, because the connection to
    /// the cloud was lost meanwhile, is not taken twice; its acknowledgement goes over the new connection.
    ///
    /// - Returns: False where too many wait; then the cloud has to send it again.
    func offerRelayed(_ delivery: Hedgerow_Telemetry_V1_Delivery, done: @escaping @Sendable () -> Void)
        -> Bool
    {
        guard wants(delivery.record) else {
            done()
            return true
        }
        let isTaken = state.withLock { state in
            if let index = state.relayed.firstIndex(where: { $0.isSame(as: delivery) }) {
                state.relayed[index].done = done
                return true
            }
            for (id, reference) in state.inFlight {
                guard case .relayed(var known) = reference, known.isSame(as: delivery) else { continue }
                known.done = done
                state.inFlight[id] = .relayed(known)
                return true
            }
            guard state.relayed.count + state.relayedInFlight < Self.maximumRelayed else { return false }
            state.relayed.append(Relayed(delivery: delivery, done: done))
            return true
        }
        if isTaken { arrival.signal() }
        return isTaken
    }

    /// Takes what waits in memory, at most so many.
    func takeWaiting(limit: Int) -> DeliveryBatch {
        state.withLock { state in
            var batch = DeliveryBatch()
            let relayed = state.relayed.prefix(limit)
            for message in relayed {
                let id = Self.begin(.relayed(message), &state)
                state.relayedInFlight += 1
                batch.deliveries.append(
                    .with {
                        $0.deliveryID = id
                        $0.record = message.delivery.record
                    })
            }
            state.relayed.removeFirst(relayed.count)
            let live = state.live.prefix(limit - relayed.count)
            for record in live { batch.deliveries.append(.with { $0.record = record }) }
            state.live.removeFirst(live.count)
            batch.dropped = state.dropped
            state.dropped = 0
            return batch
        }
    }

    /// Where the queue goes on, and how many more may be on their way.
    var queuePosition: (after: Int64, room: Int) {
        state.withLock {
            ($0.sentThrough, max(0, Self.maximumInFlight - ($0.inFlight.count - $0.relayedInFlight)))
        }
    }

    /// Whether the losses of the thing's queue are still to be asked for on this subscription.
    func takeDroppedDue() -> Bool {
        state.withLock { state in
            defer { state.isDroppedDue = false }
            return state.isDroppedDue
        }
    }

    /// Enters a message of the queue as on its way; returns its delivery id.
    func begin(queued id: Int64) -> UInt64 {
        state.withLock { state in
            state.sentThrough = max(state.sentThrough, id)
            return Self.begin(.queued(id), &state)
        }
    }

    /// Steps over a message of the queue that the filters do not want.
    func skip(queued id: Int64) { state.withLock { $0.sentThrough = max($0.sentThrough, id) } }

    /// Takes acknowledged messages off; returns the ids of those that came from the queue.
    func finish(_ ids: [UInt64]) -> [Int64] {
        let references = state.withLock { state in
            let references = ids.compactMap { state.inFlight.removeValue(forKey: $0) }
            for case .relayed in references { state.relayedInFlight -= 1 }
            return references
        }
        var queued: [Int64] = []
        for reference in references {
            switch reference {
            case .queued(let id): queued.append(id)
            case .relayed(let message): message.done()
            }
        }
        arrival.signal()
        return queued
    }

    private static func begin(_ reference: Reference, _ state: inout State) -> UInt64 {
        let id = state.nextDelivery
        state.nextDelivery += 1
        state.inFlight[id] = reference
        return id
    }
}
