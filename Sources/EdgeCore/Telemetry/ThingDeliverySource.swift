import GRDB
import GRPCCore
import HedgerowAPI
import RPCSupport
import StreamStore
import SwiftProtobuf

/// Messages for one subscription of a thing: from the cloud, from the core's own queue, and live.
struct ThingDeliverySource: DeliverySource {
    let outlet: ThingOutlet
    let parts: TelemetryParts

    func take(limit: Int) async throws -> DeliveryBatch {
        if outlet.isSuperseded {
            throw HedgerowError(
                .aborted, .sessionSuperseded,
                "a newer subscription of thing \"\(outlet.thing)\" at QoS 1 took over; one at a time is served"
            )
        }
        var batch = outlet.takeWaiting(limit: limit)
        guard outlet.isAtLeastOnce else { return batch }
        let (after, room) = outlet.queuePosition
        if outlet.takeDroppedDue() { batch.dropped += try await takeDropped() }
        let left = min(room, limit - batch.deliveries.count)
        guard left > 0 else { return batch }
        let thing = outlet.thing
        let items = try await parts.read { db in
            try SubscriberQueue.next(db, subscriber: thing, after: after, limit: left)
        }
        var unwanted: [Int64] = []
        for item in items {
            let record = try MessageRecord(serializedBytes: item.payload)
            guard outlet.wants(record) else {
                outlet.skip(queued: item.id)
                unwanted.append(item.id)
                continue
            }
            let id = outlet.begin(queued: item.id)
            batch.deliveries.append(
                .with {
                    $0.deliveryID = id
                    $0.record = record
                })
        }
        if !unwanted.isEmpty {
            try await forget(unwanted)
            // There may be wanted ones behind them.
            outlet.wake()
        }
        return batch
    }

    func wait() async { await outlet.wait() }

    func acknowledge(_ deliveryIDs: [UInt64]) async throws {
        let queued = outlet.finish(deliveryIDs)
        if !queued.isEmpty { try await forget(queued) }
    }

    func setConnectedThings(_ things: [String]) async throws {}

    func close() async { parts.outlets.remove(outlet) }

    private func forget(_ ids: [Int64]) async throws {
        let thing = outlet.thing
        try await parts.committer.commit { db in
            try SubscriberQueue.acknowledge(db, subscriber: thing, ids: ids)
        }
    }

    private func takeDropped() async throws -> UInt64 {
        let (thing, now) = (outlet.thing, parts.clock.now)
        return try await parts.committer.commit { db in
            try SubscriberQueue.expire(db, subscriber: thing, now: now)
            return try SubscriberQueue.takeDropped(db, subscriber: thing)
        }
    }
}
