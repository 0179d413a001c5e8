import Foundation
import GRDB
import HedgerowAPI
import Identity
import Messaging
import RPCSupport
import StreamStore
import SwiftProtobuf
import TestSupport
import Testing

@testable import Cloud

@Suite struct IngestTransactionTests {
    typealias Fixture = TelemetryFixture

    @Test func newMessagesAreStoredAndRepeatsAreCounted() async throws {
        try await Fixture.with { cloud in
            let session = try Fixture.session(.thing, "thing-1")
            #expect(try cloud.open(session) == 0)
            let first = try cloud.ingest([messages(1, 3), messages(4, 4)], session)
            #expect(first.outcome.acknowledged == 4)
            #expect(first.stored.map(\.batch.count) == [3, 1])
            #expect(try cloud.open(session) == 4)
            let again = try cloud.ingest([messages(1, 3), messages(4, 6)], session)
            #expect(again.outcome.acknowledged == 6)
            #expect(again.stored.map(\.batch.count) == [2])
            #expect(try cloud.sequences("thing-1") == [1, 2, 3, 4, 5, 6])
            let ledger = try cloud.ledger("thing-1")
            #expect(ledger.received == 6)
            #expect(ledger.days.map(\.stream) == ["thing-1/default"])
            #expect(ledger.days.map(\.day) == ["2023-11-14"])
            #expect(ledger.days.map(\.duplicates) == [4])
            #expect(ledger.ranges.isEmpty)
        }
    }

    @Test func otherBatchBoundariesOfTheSameOriginsAreStoredOnceWhoeverBringsThem() async throws {
        try await Fixture.with { cloud in
            let a = try Fixture.session(.core, "core-a", epoch: 10)
            let b = try Fixture.session(.core, "core-b", epoch: 11)
            _ = try cloud.open(a)
            _ = try cloud.open(b)
            try cloud.ingest([messages(1, 3, origin: origin("thing-1", 2, 4), rows: 2...4)], a)
            try cloud.ingest([messages(1, 6, origin: origin("thing-1", 1, 6), rows: 1...6)], b)
            let records = try cloud.history { $0.thing = "thing-1" }.records
            #expect(records.map(\.origin.firstSequence).sorted() == [1, 2, 3, 4, 5, 6])
            // What a record says is what its origin published.
            for record in records {
                #expect(
                    record.message.reading.values["sequence"]?.integerValue
                        == Int64(record.origin.firstSequence))
                #expect(record.core == ((2...4).contains(record.origin.firstSequence) ? "core-a" : "core-b"))
            }
            #expect(try cloud.ledger("thing-1").days.map(\.duplicates).reduce(0, +) == 3)
        }
    }

    @Test func whatABatchCoversIsSettledThoughItHoldsNoMessage() async throws {
        try await Fixture.with { cloud in
            let core = try Fixture.session(.core, "core-a", epoch: 10)
            _ = try cloud.open(core)
            try cloud.ingest([messages(1, 2, origin: origin("thing-1", 1, 10), rows: 9...10)], core)
            try cloud.ingest([messages(3, 3, origin: origin("thing-1", 12, 12), rows: 12...12)], core)
            let ledger = try cloud.ledger("thing-1")
            #expect(ledger.received == 3)
            #expect(ledger.missing == 1)
            #expect(ledger.ranges.map(\.firstSequence) == [11])
            #expect(try cloud.sequences("thing-1") == [9, 10, 12])
        }
    }

    @Test func anOriginThatIsNotThePublishersToNameIsRefusedAndStallsNothing() async throws {
        try await Fixture.with { cloud in
            let core = try Fixture.session(.core, "core-a", epoch: 10)
            let thing = try Fixture.session(.thing, "thing-2", epoch: 20)
            _ = try cloud.open(core)
            _ = try cloud.open(thing)
            let first = try cloud.ingest(
                [
                    messages(1, 1, origin: origin("other", 1, 1)),
                    messages(2, 2, origin: origin("thing-1", 5, 4)),
                    messages(3, 4, origin: origin("thing-1", 3, 3)),
                    messages(5, 5, origin: origin("thing-1", 1, .max)),
                    messages(6, 6, origin: origin("thing-1", 1, 1)),
                ], core)
            #expect(
                first.outcome.rejected.map(\.reason) == [.originNotAllowed]
                    + Array(repeating: .malformedMessage, count: 3))
            #expect(first.outcome.acknowledged == 6)
            let second = try cloud.ingest([messages(1, 1, origin: origin("thing-1", 2, 2))], thing)
            #expect(second.outcome.rejected.map(\.reason) == [.originNotAllowed])
            #expect(try cloud.sequences("thing-1") == [1])
            #expect(try cloud.sequences("other").isEmpty)
            // The refusals are counted under the one who published, not under the name that was taken.
            #expect(try cloud.ledger("thing-1").days.map(\.rejected) == [0])
            #expect(try cloud.ledger("thing-2").days.map(\.rejected) == [1])
        }
    }

    @Test func aLateArrivalWithdrawsALossAndOnlyThat() async throws {
        try await Fixture.with { cloud in
            let thing = try Fixture.session(.thing, "thing-1")
            _ = try cloud.open(thing)
            try cloud.ingest([messages(1, 1), loss(2, 9), messages(10, 10)], thing)
            var ledger = try cloud.ledger("thing-1")
            #expect(ledger.lost == 8)
            #expect(ledger.missing == 0)
            #expect(ledger.days.first?.lost.map(\.count) == [8])
            cloud.now += Fixture.day
            let core = try Fixture.session(.core, "core-a", epoch: 10)
            _ = try cloud.open(core)
            try cloud.ingest([messages(1, 2, origin: origin("thing-1", 4, 5), rows: 4...5)], core)
            ledger = try cloud.ledger("thing-1")
            #expect(ledger.lost == 6)
            #expect(ledger.ranges.map { "\($0.firstSequence)-\($0.lastSequence)" } == ["2-3", "6-9"])
            #expect(ledger.days.first?.lost.map(\.count) == [6])
            // And a loss that is declared after the arrival counts for what is not there.
            try cloud.ingest([loss(3, 3, .overwritten, origins: [origin("thing-1", 4, 6)])], core)
            #expect(try cloud.ledger("thing-1").lost == 6)
        }
    }

    @Test func aSessionDeclaresWhatItsPublisherNoLongerHas() async throws {
        try await Fixture.with { cloud in
            #expect(try cloud.open(try Fixture.session(.thing, "thing-1", oldest: 100)) == 99)
            #expect(try cloud.ledger("thing-1").ranges.isEmpty)
            #expect(try cloud.open(try Fixture.session(.thing, "thing-1", oldest: 110)) == 109)
            let ledger = try cloud.ledger("thing-1")
            #expect(ledger.lost == 10)
            #expect(ledger.ranges.map(\.reason) == [.notResent])
            #expect(try cloud.open(try Fixture.session(.thing, "thing-1", oldest: 50)) == 109)
            #expect(throws: HedgerowError.self) {
                try cloud.open(try Fixture.session(.thing, "thing-1", stream: "other"))
            }
        }
    }

    @Test func aGapStopsAtWhatCameBefore() async throws {
        try await Fixture.with { cloud in
            let thing = try Fixture.session(.thing, "thing-1")
            _ = try cloud.open(thing)
            let result = try cloud.ingest([messages(1, 2), messages(4, 4), messages(5, 5)], thing)
            #expect(result.outcome.acknowledged == 2)
            #expect(result.outcome.failure?.reason == .sequenceGap)
            #expect(result.outcome.failure?.details["expected"] == "3")
            #expect(try cloud.sequences("thing-1") == [1, 2])
        }
    }

    @Test func whatCanNeverBeAcceptedIsAnsweredAndIsNoLoss() async throws {
        try await Fixture.with { cloud in
            let thing = try Fixture.session(.thing, "thing-1")
            _ = try cloud.open(thing)
            let result = try cloud.ingest([messages(1, 2, topic: "a/+"), messages(3, 3)], thing)
            #expect(result.outcome.acknowledged == 3)
            #expect(result.outcome.rejected.map(\.firstSequence) == [1])
            #expect(result.outcome.rejected.map(\.lastSequence) == [2])
            let ledger = try cloud.ledger("thing-1")
            #expect(ledger.lost == 0 && ledger.missing == 0 && ledger.received == 1)
            #expect(ledger.days.map(\.rejected) == [2])
        }
    }

    @Test func whatACoreRefusedIsCountedAsRefusedOnce() async throws {
        try await Fixture.with { cloud in
            let core = try Fixture.session(.core, "core-a", epoch: 10)
            _ = try cloud.open(core)
            let item = loss(1, 1, .rejected, origins: [origin("thing-1", 1, 7), origin("stranger", 1, 7)])
            try cloud.ingest([item, loss(2, 2, .rejected, origins: [origin("thing-1", 5, 8)])], core)
            let ledger = try cloud.ledger("thing-1")
            #expect(ledger.days.map(\.rejected) == [8])
            #expect(ledger.lost == 0 && ledger.ranges.isEmpty)
            #expect(try cloud.ledger("stranger").days.isEmpty)
        }
    }

    @Test func messagesWithoutASequenceAreStoredEachTimeTheyCome() async throws {
        try await Fixture.with { cloud in
            let thing = try Fixture.session(.thing, "thing-1")
            _ = try cloud.open(thing)
            let result = try cloud.ingest([messages(0, 0, rows: 7...8), messages(0, 0, rows: 7...8)], thing)
            #expect(result.outcome.acknowledged == 0)
            #expect(try cloud.history().records.count == 4)
            #expect(try cloud.history().records.allSatisfy { $0.origin.firstSequence == 0 })
        }
    }

    @Test func anOperatorsMessageWaitsForTheThingOrIsRefused() async throws {
        try await Fixture.with { cloud in
            let session = try Fixture.session(.operator, "anna")
            _ = try cloud.open(session)
            let result = try cloud.ingest(
                [
                    messages(1, 2, topic: "down/thing-1"), messages(3, 3, topic: "nowhere"),
                    messages(0, 0, topic: "down/thing-2", rows: 1...1),
                ], session)
            #expect(result.outcome.acknowledged == 3)
            #expect(result.outcome.rejected.map(\.reason) == [.noRoute])
            #expect(result.wokenThings == ["thing-1"])
            #expect(result.transient.map(\.thing) == ["thing-2"])
            let waiting = try await cloud.pool.read { db in
                try SubscriberQueue.next(
                    db, subscriber: DownlinkQueue.name(ofThing: "thing-1"), after: 0, limit: 9)
            }
            #expect(
                try waiting.map { try MessageRecord(serializedBytes: $0.payload).origin.firstSequence } == [
                    1, 2,
                ])
            // A repeat is not delivered again.
            #expect(try cloud.ingest([messages(1, 2, topic: "down/thing-1")], session).wokenThings.isEmpty)
            #expect(try cloud.ledger("operator/anna").received == 3)
        }
    }

    @Test func hostileRangesDoNotOverflowTheCounts() async throws {
        try await Fixture.with { cloud in
            let last = UInt64(Int64.max) - 16_000_000
            for number in UInt64(1)...4 {
                let session = try Fixture.session(.thing, "thing-1", epoch: number)
                _ = try cloud.open(session)
                try cloud.ingest([messages(1, 1), loss(2, last)], session)
            }
            let ledger = try cloud.ledger("thing-1")
            #expect(ledger.lost == .max)
            #expect(ledger.days.first?.lost.map(\.count) == [UInt64(Int64.max)])
            let session = try Fixture.session(.thing, "thing-2")
            _ = try cloud.open(session)
            for sequence in UInt64(0)..<3 {
                let step = last / 4
                try cloud.ingest([loss(sequence * step + 1, (sequence + 1) * step)], session)
            }
            let rows = try cloud.ledger("thing-2").ranges.count
            #expect(rows == 1, "a run of losses is one range")
        }
    }

    /// Two cores carry one thing's messages in batches of their own, again and again, in any order.
    @Test(arguments: UInt64(1)...10) func everySequenceIsStoredOnceHoweverItComes(seed: UInt64) async throws {
        try await Fixture.with { cloud in
            var random = SeededGenerator(seed: seed)
            let total: UInt64 = 120
            var covered = SequenceSet()
            var lost = SequenceSet()
            var next: [String: UInt64] = ["core-a": 1, "core-b": 1]
            let sessions = [
                "core-a": try Fixture.session(.core, "core-a", epoch: 100),
                "core-b": try Fixture.session(.core, "core-b", epoch: 101),
            ]
            for session in sessions.values { _ = try cloud.open(session) }
            for _ in 0..<80 {
                guard let core = ["core-a", "core-b"].randomElement(using: &random),
                    let session = sessions[core]
                else { return }
                let first = UInt64.random(in: 1...total, using: &random)
                let last = min(total, first + UInt64.random(in: 0...15, using: &random))
                guard let range = SequenceRange(first, last) else { continue }
                let position = next[core] ?? 1
                if UInt64.random(in: 0..<5, using: &random) == 0 {
                    lost.insert(range)
                    next[core] = position + 1
                    try cloud.ingest(
                        [loss(position, position, origins: [origin("thing-1", first, last)])], session)
                } else {
                    covered.insert(range)
                    next[core] = position + range.count
                    let item = messages(
                        position, position + range.count - 1, origin: origin("thing-1", first, last),
                        rows: first...last)
                    try cloud.ingest(Bool.random(using: &random) ? [item] : [item, item], session)
                }
            }
            let expected = covered.ranges.flatMap { Array($0.first...$0.last) }
            #expect(try cloud.sequences("thing-1") == expected, "seed \(seed)")
            let ledger = try cloud.ledger("thing-1")
            #expect(ledger.received == UInt64(expected.count), "seed \(seed)")
            for range in covered.ranges { lost.remove(range) }
            #expect(ledger.lost == lost.count, "seed \(seed)")
            var known = covered
            for range in lost.ranges { known.insert(range) }
            #expect(ledger.missing == known.gaps.reduce(0) { $0 + $1.count }, "seed \(seed)")
            #expect(
                ledger.days.reduce(0) { $0 + $1.lost.reduce(0) { $0 + $1.count } } == ledger.lost,
                "seed \(seed)")
            let intervals = try await cloud.pool.read { db in
                try Int.fetchOne(db, sql: "SELECT count(*) FROM telemetry_received") ?? 0
            }
            #expect(intervals == covered.ranges.count, "seed \(seed): neighbours are merged")
        }
    }
}
