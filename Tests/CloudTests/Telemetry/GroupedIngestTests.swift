import GRDB
import HedgerowAPI
import Identity
import Messaging
import RPCSupport
import TestSupport
import Testing

@testable import Cloud

/// Many items in one transaction, as they come under load: what grows in it is written once, at its end.
@Suite struct GroupedIngestTests {
    typealias Fixture = TelemetryFixture

    @Test func batchesThatFollowEachOtherAreOneRange() async throws {
        try await Fixture.with { cloud in
            let session = try Fixture.session(.thing, "thing-1")
            _ = try cloud.open(session)
            let result = try cloud.ingest((0..<20).map { messages($0 * 5 + 1, $0 * 5 + 5) }, session)
            #expect(result.stored.count == 20)
            let ranges = try await cloud.pool.read { db in
                try Row.fetchAll(db, sql: "SELECT first, last FROM telemetry_received")
                    .map { [$0[0] as Int64, $0[1] as Int64] }
            }
            #expect(ranges == [[1, 100]])
            let totals = try await cloud.pool.read { db in
                try Row.fetchOne(db, sql: "SELECT batches, bytes FROM telemetry_total").map {
                    [$0[0] as Int64, $0[1] as Int64]
                }
            }
            let bytes = try await cloud.pool.read { db in
                try Int64.fetchOne(db, sql: "SELECT sum(bytes) FROM telemetry_batch") ?? 0
            }
            #expect(totals == [20, bytes])
            #expect(try cloud.ledger("thing-1").days.map(\.received) == [100])
        }
    }

    @Test func aRunThatReachesALossTakesItBack() async throws {
        try await Fixture.with { cloud in
            let core = try Fixture.session(.core, "core-a", epoch: 10)
            _ = try cloud.open(core)
            try cloud.ingest([loss(1, 1, origins: [origin("thing-1", 7, 9)])], core)
            try cloud.ingest(
                [
                    messages(2, 4, origin: origin("thing-1", 1, 3), rows: 1...3),
                    messages(5, 7, origin: origin("thing-1", 4, 6), rows: 4...6),
                    messages(8, 9, origin: origin("thing-1", 7, 8), rows: 7...8),
                    messages(10, 12, origin: origin("thing-1", 10, 12), rows: 10...12),
                ], core)
            let ledger = try cloud.ledger("thing-1")
            #expect(ledger.received == 11)
            #expect(ledger.lost == 1)
            #expect(ledger.ranges.map(\.firstSequence) == [9])
        }
    }

    @Test func aRunThatReachesWhatIsThereStoresNothingTwice() async throws {
        try await Fixture.with { cloud in
            let core = try Fixture.session(.core, "core-a", epoch: 10)
            _ = try cloud.open(core)
            try cloud.ingest([messages(1, 2, origin: origin("thing-1", 8, 9), rows: 8...9)], core)
            try cloud.ingest(
                [
                    messages(3, 5, origin: origin("thing-1", 1, 3), rows: 1...3),
                    messages(6, 8, origin: origin("thing-1", 4, 6), rows: 4...6),
                    messages(9, 12, origin: origin("thing-1", 7, 10), rows: 7...10),
                    messages(13, 15, origin: origin("thing-1", 4, 6), rows: 4...6),
                    loss(16, 16, origins: [origin("thing-1", 10, 11)]),
                ], core)
            #expect(try cloud.sequences("thing-1") == Array(1...10))
            let ledger = try cloud.ledger("thing-1")
            #expect(ledger.received == 10)
            #expect(ledger.lost == 1)
            #expect(ledger.days.map(\.duplicates).reduce(0, +) == 5)
        }
    }

    /// Two cores carry one thing's messages, mostly one batch after the other, many in one transaction.
    @Test(arguments: UInt64(1)...20) func everySequenceIsStoredOnceHoweverManyComeTogether(
        seed: UInt64
    ) async throws {
        try await Fixture.with { cloud in
            var random = SeededGenerator(seed: seed)
            var covered = SequenceSet()
            var lost = SequenceSet()
            var sent: UInt64 = 0
            let names = ["core-a", "core-b"]
            let sessions = try names.enumerated().map {
                try Fixture.session(.core, $1, epoch: 100 + UInt64($0))
            }
            for session in sessions { _ = try cloud.open(session) }
            var next: [UInt64] = [1, 1]
            for _ in 0..<25 {
                let core = Int.random(in: 0...1, using: &random)
                var origins = UInt64.random(in: 1...150, using: &random)
                var items: [IngestItem] = []
                for _ in 0..<Int.random(in: 1...12, using: &random) {
                    if Int.random(in: 0..<6, using: &random) == 0 {
                        origins = UInt64.random(in: 1...150, using: &random)
                    }
                    let last = origins + UInt64.random(in: 0...9, using: &random)
                    guard let range = SequenceRange(origins, last) else { continue }
                    let position = next[core]
                    if Int.random(in: 0..<6, using: &random) == 0 {
                        lost.insert(range)
                        next[core] += 1
                        items.append(loss(position, position, origins: [origin("thing-1", origins, last)]))
                    } else {
                        covered.insert(range)
                        sent += range.count
                        next[core] += range.count
                        items.append(
                            messages(
                                position, position + range.count - 1,
                                origin: origin("thing-1", origins, last), rows: origins...last))
                    }
                    origins = last + 1
                }
                try cloud.ingest(items, sessions[core])
            }
            let expected = covered.ranges.flatMap { Array($0.first...$0.last) }
            #expect(try cloud.sequences("thing-1") == expected, "seed \(seed)")
            let ledger = try cloud.ledger("thing-1")
            #expect(ledger.received == UInt64(expected.count), "seed \(seed)")
            let days = ledger.days
            #expect(days.reduce(0) { $0 + $1.received + $1.duplicates } == sent, "seed \(seed)")
            for range in covered.ranges { lost.remove(range) }
            #expect(ledger.lost == lost.count, "seed \(seed)")
            let ranges = try await cloud.pool.read { db in
                try Row.fetchAll(db, sql: "SELECT first, last FROM telemetry_received ORDER BY first")
                    .compactMap { SequenceRange(UInt64($0[0] as Int64), UInt64($0[1] as Int64)) }
            }
            #expect(ranges == covered.ranges, "seed \(seed): neighbours are merged")
        }
    }
}
