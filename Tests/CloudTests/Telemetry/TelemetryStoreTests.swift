import Foundation
import GRDB
import HedgerowAPI
import Identity
import Logging
import Messaging
import RPCSupport
import StreamStore
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import Cloud

/// The store behind its protocol: one committer, sessions that are superseded, retention, queues.
@Suite(.timeLimit(.minutes(5))) struct TelemetryStoreTests {
    typealias Fixture = TelemetryFixture

    private struct Running: Sendable {
        let store: SQLiteTelemetryStore
        let sessions: SessionRegistry
        let pool: DatabasePool
        let time: TimeOfTest

        func session(_ role: Role, _ name: String, epoch number: UInt64 = 1) throws -> IngestSession {
            sessions.begin(
                publisher: try Principal(role: role, name: name), stream: "default",
                epoch: Fixture.epoch(number),
                oldestSequence: 1, end: {})
        }
    }

    private final class TimeOfTest: Sendable {
        let now = Mutex(Fixture.start)
    }

    private func withStore(_ body: @escaping @Sendable (Running) async throws -> Void) async throws {
        try await Fixture.with { cloud in
            let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            let committer = GroupCommitter(pool: cloud.pool, logger: logger)
            let sessions = SessionRegistry()
            let time = TimeOfTest()
            let store = SQLiteTelemetryStore(
                pool: cloud.pool, committer: committer, sessions: sessions, fleet: FakeFleet(),
                clock: WallClock { time.now.withLock { $0 } })
            let running = Running(store: store, sessions: sessions, pool: cloud.pool, time: time)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await committer.run() }
                try await body(running)
                group.cancelAll()
            }
        }
    }

    @Test func anOlderSessionStoresNothingAnyMore() async throws {
        try await withStore { running in
            let older = try running.session(.thing, "thing-1")
            _ = try await running.store.open(older)
            _ = try await running.store.ingest([messages(1, 1)], session: older)
            let newer = try running.session(.thing, "thing-1")
            await #expect(throws: HedgerowError.self) {
                _ = try await running.store.ingest([messages(2, 2)], session: older)
            }
            #expect(try await running.store.open(newer).cursor == 1)
            _ = try await running.store.ingest([messages(2, 2)], session: newer)
            let page = try await running.store.query(HistoryQuery(limit: 10))
            #expect(page.records.map(\.origin.firstSequence) == [2, 1])
        }
    }

    @Test func retentionEndsWhatIsTooOldOrTooMuchAndLeavesTheLedger() async throws {
        try await withStore { running in
            let session = try running.session(.thing, "thing-1")
            _ = try await running.store.open(session)
            for group in UInt64(0)..<12 {
                let items = (group * 100 + 1...group * 100 + 100).map { messages($0, $0) }
                _ = try await running.store.ingest(items, session: session)
                if group == 5 { running.time.now.withLock { $0 += 10 * Fixture.day } }
            }
            let keepAll = RetentionPolicy(maximumAge: .seconds(Int64.max / 1_000), maximumBytes: .max)
            #expect(try await running.store.enforceRetention(keepAll) == 0)
            let tenDays = RetentionPolicy(maximumAge: .seconds(9 * 86_400), maximumBytes: .max)
            #expect(try await running.store.enforceRetention(tenDays) == 600)
            #expect(try await running.store.enforceRetention(tenDays) == 0)
            let bytes = try await running.pool.read {
                try Int64.fetchOne($0, sql: "SELECT bytes FROM telemetry_total") ?? 0
            }
            let sum = try await running.pool.read {
                try Int64.fetchOne($0, sql: "SELECT sum(bytes) FROM telemetry_batch") ?? 0
            }
            #expect(bytes == sum)
            let half = RetentionPolicy(maximumAge: .seconds(100 * 86_400), maximumBytes: bytes / 2)
            #expect((295...305).contains(try await running.store.enforceRetention(half)))
            let left = try await running.store.query(HistoryQuery(limit: 10_000)).records.map(
                \.origin.firstSequence)
            #expect(left == (1_201 - UInt64(left.count)...1_200).reversed())
            // What was deleted is not stored again, and was not lost.
            _ = try await running.store.ingest([messages(1, 1)], session: session)
            let ledger = try #require(try await running.store.ledger(of: "thing-1", offset: 0, limit: 10))
            #expect(ledger.received == 1_200)
            #expect(ledger.missing == 0)
            #expect(try await running.store.query(HistoryQuery(limit: 10_000)).records.count == left.count)
        }
    }

    // MARK: Messages on their way down

    private func enqueue(
        _ running: Running, _ thing: String, _ count: Int,
        topic: @escaping @Sendable (Int) -> String = { _ in "t" }
    ) async throws {
        try await running.pool.write { db in
            for number in 1...count {
                let record = MessageRecord.with {
                    $0.message.topic = topic(number)
                    $0.origin.firstSequence = UInt64(number)
                }
                try SubscriberQueue.enqueue(
                    db, subscriber: DownlinkQueue.name(ofThing: thing), payload: try record.serializedBytes(),
                    now: running.time.now.withLock { $0 })
            }
        }
    }

    @Test func aThingThatNeverAcknowledgesHoldsUpNoOther() async throws {
        try await withStore { running in
            let downlink = Downlink()
            let source = DownlinkSource(
                store: running.store, downlink: downlink, things: [], isCore: true,
                mayServe: { $0 != "foreign" })
            try await source.setConnectedThings(["a", "b", "foreign"])
            for thing in ["a", "b", "foreign"] { try await enqueue(running, thing, 200) }
            downlink.wake(["a", "b", "foreign"])
            var got: [String: [UInt64]] = [:]
            var ids: [String: [UInt64]] = [:]
            func drain() async throws {
                while true {
                    let batch = try await source.take(limit: 50)
                    if batch.deliveries.isEmpty { return }
                    #expect(batch.deliveries.count <= 50)
                    for delivery in batch.deliveries {
                        got[delivery.targetThing, default: []].append(delivery.record.origin.firstSequence)
                        ids[delivery.targetThing, default: []].append(delivery.deliveryID)
                    }
                }
            }
            try await drain()
            #expect(got["a"]?.count == DownlinkOutlet.maximumInFlight)
            #expect(got["b"]?.count == DownlinkOutlet.maximumInFlight)
            #expect(got["foreign"] == nil)
            while let acknowledged = ids.removeValue(forKey: "b") {
                try await source.acknowledge(acknowledged)
                try await drain()
            }
            #expect(got["b"] == Array(1...200))
            #expect(got["a"]?.count == DownlinkOutlet.maximumInFlight)
            let left = try await running.pool.read {
                try SubscriberQueue.depth($0, subscriber: DownlinkQueue.name(ofThing: "b"))
            }
            #expect(left == 0)
            // One that goes and comes back gets what it did not acknowledge anew.
            try await source.setConnectedThings(["b"])
            try await source.setConnectedThings(["a", "b"])
            got = [:]
            try await drain()
            #expect(got["a"]?.first == 1)
            await source.close()
        }
    }

    @Test func aThingAtQoS0IsDoneWithAMessageWhenItIsSent() async throws {
        try await withStore { running in
            let downlink = Downlink()
            let source = DownlinkSource(
                store: running.store, downlink: downlink, things: ["a"], isCore: false, isAtLeastOnce: false
            ) { _ in false }
            try await enqueue(running, "a", 150)
            var count = 0
            while true {
                let batch = try await source.take(limit: 100)
                if batch.deliveries.isEmpty { break }
                count += batch.deliveries.count
                #expect(batch.deliveries.allSatisfy { $0.deliveryID == 0 && $0.targetThing.isEmpty })
            }
            #expect(count == 150)
            let left = try await running.pool.read {
                try SubscriberQueue.depth($0, subscriber: DownlinkQueue.name(ofThing: "a"))
            }
            #expect(left == 0)
        }
    }

    @Test func aDirectThingGetsWhatItsFiltersWantAndTheRestIsDoneWith() async throws {
        try await withStore { running in
            let source = DownlinkSource(
                store: running.store, downlink: Downlink(), things: ["a"], isCore: false,
                filters: [try TopicFilter("wanted/#")]
            ) { _ in false }
            try await enqueue(running, "a", 10) { $0 % 2 == 0 ? "wanted/\($0)" : "other/\($0)" }
            let batch = try await source.take(limit: 100)
            #expect(batch.deliveries.map(\.record.origin.firstSequence) == [2, 4, 6, 8, 10])
            func left() async throws -> Int {
                try await running.pool.read {
                    try SubscriberQueue.depth($0, subscriber: DownlinkQueue.name(ofThing: "a"))
                }
            }
            #expect(try await left() == 5)
            try await source.acknowledge(batch.deliveries.map(\.deliveryID))
            #expect(try await left() == 0)
        }
    }

    @Test func aCoreWithTooManyThingsIsRefused() async throws {
        try await withStore { running in
            let source = DownlinkSource(
                store: running.store, downlink: Downlink(), things: [], isCore: true
            ) { _ in true }
            try await source.setConnectedThings((1...1_000).map { "thing-\($0)" })
            await #expect(throws: HedgerowError.self) {
                try await source.setConnectedThings((1...1_001).map { "thing-\($0)" })
            }
        }
    }

    @Test func messagesWithoutASequenceReachOnlyWhoIsThereAndAreBounded() async throws {
        try await withStore { running in
            let downlink = Downlink()
            let source = DownlinkSource(
                store: running.store, downlink: downlink, things: ["a"], isCore: false
            ) { _ in false }
            downlink.send([.init()], toThing: "b")
            downlink.send(Array(repeating: .init(), count: DownlinkOutlet.maximumTransient + 3), toThing: "a")
            let batch = try await source.take(limit: 10)
            #expect(batch.dropped == 3)
            #expect(batch.deliveries.count == 10)
            #expect(batch.deliveries.allSatisfy { $0.deliveryID == 0 })
            await source.close()
        }
    }

    @Test func whatFellOutOfAQueueIsSaidOnce() async throws {
        try await withStore { running in
            try await enqueue(running, "a", SubscriberQueue.maximumMessages + 4)
            running.time.now.withLock { $0 += 1 }
            let source = DownlinkSource(
                store: running.store, downlink: Downlink(), things: ["a"], isCore: false
            ) { _ in false }
            #expect(try await source.take(limit: 10).dropped == 4)
            #expect(try await source.take(limit: 10).dropped == 0)
        }
    }
}
