import Foundation
import GRDB
import Messaging
import StreamStore
import Testing

@Suite struct PublisherCursorsTests {
    @Test func cursorsArePerPublisherStreamAndEpoch() async throws {
        try await withStore { pool in
            try await pool.write { db in
                let highest = UInt64(Int64.max)
                try PublisherCursors.set(db, publisher: "p", stream: "a", epoch: epoch(1), cursor: 5, now: 1)
                try PublisherCursors.set(
                    db, publisher: "p", stream: "a", epoch: epoch(1), cursor: highest, now: 2)
                try PublisherCursors.set(db, publisher: "q", stream: "b", epoch: epoch(1), cursor: 3, now: 2)
                func cursor(_ publisher: String, _ stream: String, _ number: UInt8) throws -> UInt64? {
                    try PublisherCursors.cursor(
                        db, publisher: publisher, stream: stream, epoch: epoch(number))
                }
                #expect(try cursor("p", "a", 1) == highest)
                #expect(try cursor("p", "a", 2) == nil)
                #expect(try cursor("p", "b", 1) == nil)
                #expect(try cursor("q", "b", 1) == 3)
                func other(_ publisher: String, _ stream: String) throws -> String? {
                    try PublisherCursors.otherStream(
                        db, publisher: publisher, stream: stream, epoch: epoch(1))
                }
                #expect(try other("p", "b") == "a")
                #expect(try other("p", "a") == nil)
                #expect(try other("r", "a") == nil)
            }
        }
    }

    @Test func onlyTheEpochsThatMovedLastAreKept() async throws {
        try await withStore { pool in
            try await pool.write { db in
                for number in 0..<70 {
                    try PublisherCursors.set(
                        db, publisher: "p", stream: "a", epoch: epoch(UInt8(number)), cursor: 1,
                        now: Int64(number))
                }
                try PublisherCursors.set(
                    db, publisher: "p", stream: "b", epoch: epoch(200), cursor: 1, now: 0)
                try PublisherCursors.prune(db, publisher: "p", stream: "a")
                for number in 0..<70 {
                    let cursor = try PublisherCursors.cursor(
                        db, publisher: "p", stream: "a", epoch: epoch(UInt8(number)))
                    #expect((cursor != nil) == (number >= 70 - PublisherCursors.maximumEpochs))
                }
                #expect(try PublisherCursors.cursor(db, publisher: "p", stream: "b", epoch: epoch(200)) == 1)
            }
        }
    }
}

@Suite struct SubscriberQueueTests {
    private func ids(_ db: Database, _ name: String, after id: Int64 = 0, limit: Int = 2_000) throws
        -> [Int64]
    {
        try SubscriberQueue.next(db, subscriber: name, after: id, limit: limit).map(\.id)
    }

    @Test func messagesComeInOrderAndGoWhenAcknowledged() async throws {
        try await withStore { pool in
            try await pool.write { db in
                for byte in UInt8(1)...5 {
                    try SubscriberQueue.enqueue(db, subscriber: "a", payload: Data([byte]), now: 0)
                    try SubscriberQueue.enqueue(db, subscriber: "b", payload: Data([byte, byte]), now: 0)
                }
                let items = try SubscriberQueue.next(db, subscriber: "a", after: 0, limit: 3)
                #expect(items.map { Array($0.payload) } == [[1], [2], [3]])
                let rest = try ids(db, "a", after: items[2].id)
                #expect(rest.count == 2)
                // Ids of another subscriber, and ones acknowledged twice, change nothing.
                let others = try ids(db, "b")
                try SubscriberQueue.acknowledge(
                    db, subscriber: "a", ids: [items[0].id, items[0].id] + others)
                #expect(try SubscriberQueue.depth(db, subscriber: "a") == 4)
                #expect(try SubscriberQueue.depth(db, subscriber: "b") == 5)
                #expect(try ids(db, "a").count == 4)
            }
        }
    }

    @Test func atTheBoundTheOldestFallsOutAndIsCountedOnce() async throws {
        try await withStore { pool in
            try await pool.write { db in
                for number in 0..<SubscriberQueue.maximumMessages + 7 {
                    try SubscriberQueue.enqueue(db, subscriber: "a", payload: Data("\(number)".utf8), now: 0)
                }
                #expect(try SubscriberQueue.depth(db, subscriber: "a") == SubscriberQueue.maximumMessages)
                let items = try SubscriberQueue.next(db, subscriber: "a", after: 0, limit: 2_000)
                #expect(items.count == SubscriberQueue.maximumMessages)
                #expect(items.first?.payload == Data("7".utf8))
                #expect(try SubscriberQueue.takeDropped(db, subscriber: "a") == 7)
                #expect(try SubscriberQueue.takeDropped(db, subscriber: "a") == 0)
                #expect(try SubscriberQueue.takeDropped(db, subscriber: "nobody") == 0)
            }
        }
    }

    @Test func whatWaitedTooLongFallsOut() async throws {
        try await withStore { pool in
            try await pool.write { db in
                let age = SubscriberQueue.maximumAge
                for time in [0, 10, 20] as [Int64] {
                    try SubscriberQueue.enqueue(db, subscriber: "a", payload: Data(), now: time)
                    try SubscriberQueue.enqueue(db, subscriber: "b", payload: Data(), now: time)
                }
                try SubscriberQueue.expire(db, subscriber: "a", now: age + 10)
                #expect(try SubscriberQueue.depth(db, subscriber: "a") == 2)
                #expect(try SubscriberQueue.depth(db, subscriber: "b") == 3)
                #expect(try SubscriberQueue.takeDropped(db, subscriber: "a") == 1)
            }
        }
    }
}
