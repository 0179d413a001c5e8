import GRPCCore
import HedgerowAPI
import Messaging
import RPCSupport
import StreamStore
import SwiftProtobuf

/// Messages on their way down over one stream.
struct DownlinkSource: DeliverySource {
    private let store: any TelemetryStore
    private let downlink: Downlink
    private let outlet: DownlinkOutlet
    /// Whether the subscriber is a core, which has to be told whom a message is for.
    private let isCore: Bool
    /// Otherwise a message is done with as soon as it is sent.
    private let isAtLeastOnce: Bool
    /// What a direct thing wants; nil for a core, whose things choose there.
    private let filters: [TopicFilter]?
    private let mayServe: @Sendable (String) -> Bool

    /// Makes a source and enters it with the downlink; closing takes it out.
    ///
    /// - Parameters:
    ///   - isAtLeastOnce: Whether the subscriber acknowledges; cores always do.
    ///   - filters: Topics that a direct thing wants; others are taken out of its queue. Nil for all.
    ///   - mayServe: Whether a core may take messages for a thing.
    init(
        store: any TelemetryStore, downlink: Downlink, things: [String], isCore: Bool,
        isAtLeastOnce: Bool = true, filters: [TopicFilter]? = nil,
        mayServe: @escaping @Sendable (String) -> Bool
    ) {
        self.store = store
        self.downlink = downlink
        self.isCore = isCore
        self.isAtLeastOnce = isAtLeastOnce
        self.filters = filters
        self.mayServe = mayServe
        outlet = DownlinkOutlet(things: things)
        downlink.add(outlet)
    }

    func take(limit: Int) async throws -> DeliveryBatch {
        var (transient, dropped) = outlet.takeTransient(limit: limit)
        var batch = DeliveryBatch(
            deliveries: transient.filter { wants($0.record) }.map { message in
                .with {
                    $0.targetThing = isCore ? message.thing : ""
                    $0.record = message.record
                }
            })
        transient.removeAll()
        while batch.deliveries.count < limit, let (thing, after, room) = outlet.nextDue() {
            if outlet.takeDroppedDue(thing: thing) { dropped += try await store.takeDropped(thing: thing) }
            let left = min(room, limit - batch.deliveries.count)
            let items = try await store.waiting(forThing: thing, after: after, limit: left)
            var done: [UInt64] = []
            for item in items {
                guard outlet.begin(item.id, thing: thing) else { break }
                let record = try MessageRecord(serializedBytes: item.payload)
                guard wants(record) else {
                    done.append(UInt64(item.id))
                    continue
                }
                if !isAtLeastOnce { done.append(UInt64(item.id)) }
                batch.deliveries.append(
                    .with {
                        $0.deliveryID = isAtLeastOnce ? UInt64(item.id) : 0
                        $0.targetThing = isCore ? thing : ""
                        $0.record = record
                    })
            }
            if !done.isEmpty { try await acknowledge(done) }
            if items.count == left { outlet.putBack(thing) }
        }
        batch.dropped = dropped
        return batch
    }

    private func wants(_ record: MessageRecord) -> Bool {
        guard let filters else { return true }
        guard let topic = try? Topic(record.message.topic) else { return false }
        return filters.contains { $0.matches(topic) }
    }

    func wait() async { await outlet.wait() }

    func acknowledge(_ deliveryIDs: [UInt64]) async throws {
        for (thing, ids) in outlet.finish(deliveryIDs.compactMap { Int64(exactly: $0) }) {
            try await store.acknowledge(thing: thing, ids: ids)
        }
    }

    func setConnectedThings(_ things: [String]) async throws {
        guard isCore else { return }
        guard things.count <= DownlinkOutlet.maximumThings else {
            throw HedgerowError(
                .invalidArgument, .invalidField,
                "connected_things: \(things.count) things; at most \(DownlinkOutlet.maximumThings) are allowed"
            )
        }
        outlet.setThings(Set(things.filter(mayServe)))
    }

    func close() async { downlink.remove(outlet) }
}
