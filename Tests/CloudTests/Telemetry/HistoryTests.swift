import Foundation
import GRDB
import HedgerowAPI
import Identity
import Messaging
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

@testable import Cloud

@Suite struct HistoryTests {
    typealias Fixture = TelemetryFixture

    /// Every page to the end, with pages of a size.
    private func pages(
        _ cloud: Fixture, limit: Int, maximumBatches: Int = HistoryReader.maximumBatches,
        _ fill: (inout HistoryQuery) throws -> Void = { _ in }
    ) throws -> [HistoryPage] {
        var pages: [HistoryPage] = []
        var query = HistoryQuery(limit: limit)
        try fill(&query)
        while true {
            let page = try cloud.pool.read { db in
                try HistoryReader(db, query, maximumBatches: maximumBatches).page()
            }
            pages.append(page)
            guard let next = page.next, pages.count < 10_000 else { return pages }
            query.position = next
        }
    }

    private func times(_ records: [MessageRecord]) -> [Int64] {
        records.map { Microseconds.of($0.message.time) ?? -1 }
    }

    @Test func overlappingBatchesComeNewestFirstAndPagesMissNothing() async throws {
        try await Fixture.with { cloud in
            var random = SeededGenerator(seed: 7)
            let thing = try Fixture.session(.thing, "thing-1")
            _ = try cloud.open(thing)
            // Batches whose samples lie in and over each other, many at equal times, in no order of storing.
            var next: UInt64 = 1
            for _ in 0..<60 {
                let count = UInt64.random(in: 1...9, using: &random)
                let time =
                    Fixture.start + Int64.random(in: 0...20, using: &random) * 1_000
                    - Int64(next) * 1_000
                try cloud.ingest([messages(next, next + count - 1, at: time)], thing)
                next += count
            }
            let whole = try cloud.history { $0.limit = 100_000 }
            #expect(whole.next == nil)
            #expect(whole.records.count == Int(next - 1))
            #expect(times(whole.records) == times(whole.records).sorted(by: >))
            for (limit, batches) in [(1, 5_000), (7, 5_000), (7, 3), (1_000, 1), (Int(next - 1), 5_000)] {
                let pages = try pages(cloud, limit: limit, maximumBatches: batches)
                #expect(pages.flatMap(\.records) == whole.records, "limit \(limit), \(batches) batches")
                #expect(pages.allSatisfy { $0.records.count <= limit })
            }
        }
    }

    @Test func moreBatchesAtOneInstantThanAPageLooksAtStillEnd() async throws {
        try await Fixture.with { cloud in
            let thing = try Fixture.session(.thing, "thing-1")
            _ = try cloud.open(thing)
            for number in UInt64(1)...30 {
                try cloud.ingest([messages(number, number, at: Fixture.start - Int64(number) * 1_000)], thing)
            }
            let pages = try pages(cloud, limit: 4, maximumBatches: 3)
            #expect(pages.flatMap(\.records).map(\.origin.firstSequence) == (1...30).reversed())
            #expect(pages.count < 40)
        }
    }

    @Test func aQueryChoosesByThingTopicAndTime() async throws {
        try await Fixture.with { cloud in
            let one = try Fixture.session(.thing, "thing-1")
            let two = try Fixture.session(.thing, "thing-2")
            _ = try cloud.open(one)
            _ = try cloud.open(two)
            try cloud.ingest([messages(1, 10, topic: "t/a"), messages(11, 12, topic: "u")], one)
            try cloud.ingest([messages(1, 10, topic: "t/b")], two)
            func found(_ fill: (inout HistoryQuery) throws -> Void) throws -> [String] {
                try cloud.history(fill).records.map { "\($0.origin.thing)/\($0.origin.firstSequence)" }
            }
            #expect(try found { $0.thing = "thing-2" }.count == 10)
            #expect(try found { $0.thing = "nobody" }.isEmpty)
            #expect(try found { $0.filter = try TopicFilter("t/#") }.count == 20)
            #expect(
                try found {
                    $0.filter = try TopicFilter("t/+")
                    $0.thing = "thing-1"
                }.count == 10)
            #expect(try found { $0.filter = try TopicFilter("nothing") }.isEmpty)
            // From the third sample to before the fifth.
            let between = try found {
                $0.thing = "thing-1"
                $0.start = Fixture.start + 3_000
                $0.end = Fixture.start + 5_000
            }
            #expect(between == ["thing-1/4", "thing-1/3"])
            #expect(try found { $0.end = Fixture.start }.isEmpty)
            #expect(try found { $0.start = Fixture.start + 13_000 }.isEmpty)
        }
    }

    @Test func aPageOfLargeMessagesEndsBelowTheMessageLimit() async throws {
        try await Fixture.with { cloud in
            let thing = try Fixture.session(.thing, "thing-1")
            _ = try cloud.open(thing)
            for number in UInt64(1)...10 {
                var publication = Publication()
                publication.sequence = number
                publication.message.topic = "t"
                publication.message.payload.data = Data(count: 900_000)
                try cloud.ingest([.messages(IncomingPublication(publication, now: Int64(number)))], thing)
            }
            let pages = try pages(cloud, limit: 100)
            #expect(pages.flatMap(\.records).map(\.origin.firstSequence) == (1...10).reversed())
            for page in pages {
                let bytes = try page.records.reduce(0) { $0 + (try $1.serializedData().count) }
                #expect(bytes < 4 << 20)
            }
        }
    }

    @Test func aPageTokenBelongsToItsQuery() {
        let position = HistoryPosition(time: -5, batch: 7, row: 3)
        let token = position.token(fingerprint: "q:1")
        #expect(HistoryPosition(token: token, fingerprint: "q:1") == position)
        #expect(HistoryPosition(token: token, fingerprint: "q:2") == nil)
        #expect(HistoryPosition(token: "nonsense", fingerprint: "q:1") == nil)
        #expect(HistoryPosition(token: "", fingerprint: "") == nil)
        // Nothing that a client makes up leads beyond the times that there are.
        let far = HistoryPosition(time: .max, batch: 0, row: 0).token(fingerprint: "q")
        #expect(HistoryPosition(token: far, fingerprint: "q") == nil)
    }

    @Test func daysAreThoseOfUTC() {
        let cases: [(Int64, String)] = [
            (0, "1970-01-01"), (-1, "1969-12-31"), (86_399_999_999, "1970-01-01"),
            (86_400_000_000, "1970-01-02"),
            (951_782_400_000_000, "2000-02-29"), (1_709_164_800_000_000, "2024-02-29"),
            (4_107_542_400_000_000, "2100-03-01"), (Microseconds.minimum, "0001-01-01"),
            (Microseconds.maximum, "9999-12-31"), (1_700_000_000_000_000, "2023-11-14"),
        ]
        for (time, text) in cases { #expect(UTCDay.text(of: time) == text) }
    }
}

@Suite struct LedgerTests {
    typealias Fixture = TelemetryFixture

    @Test func theLedgerOfAThingNobodyHeardOfIsNone() async throws {
        try await Fixture.with { cloud in
            let ledger = try await cloud.pool.read {
                try LedgerReader($0).ledger(of: "x", offset: 0, limit: 9)
            }
            #expect(ledger == nil)
        }
    }

    @Test func rangesComeByEpochComponentAndSequenceAndInPages() async throws {
        try await Fixture.with { cloud in
            let core = try Fixture.session(.core, "core-a", epoch: 10)
            _ = try cloud.open(core)
            var derived = origin("thing-1", 3, 3, epoch: 1)
            derived.componentInstance = "c"
            try cloud.ingest(
                [
                    messages(1, 1, origin: origin("thing-1", 1, 1, epoch: 1)),
                    messages(2, 2, origin: origin("thing-1", 5, 5, epoch: 1)),
                    loss(3, 3, .expired, origins: [origin("thing-1", 8, 9, epoch: 1)]),
                    loss(4, 4, .notRoutedToCloud, origins: [origin("thing-1", 7, 7, epoch: 1)]),
                    messages(5, 5, origin: origin("thing-1", 7, 7, epoch: 2)),
                    messages(6, 6, origin: derived, rows: 3...3),
                ], core)
            let ledger = try cloud.ledger("thing-1")
            let ranges = ledger.ranges.map {
                "\($0.firstSequence)-\($0.lastSequence) \($0.missing) \($0.reason)"
            }
            #expect(ranges.sorted() == ["2-4 true unspecified", "6-6 true unspecified", "8-9 false expired"])
            #expect(ledger.missing == 4)
            #expect(ledger.lost == 2)
            #expect(ledger.received == 4)
            #expect(ledger.days.first?.lost.map(\.reason) == [.expired])
            let second = try await cloud.pool.read {
                try LedgerReader($0).ledger(of: "thing-1", offset: 2, limit: 9)
            }
            #expect(second?.ranges == [ledger.ranges[2]])
            #expect(second?.days.isEmpty == true)
            #expect(second?.missing == 4)
        }
    }
}
