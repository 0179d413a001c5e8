import Components
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

/// What components derived: rows that lie apart, chains, dead letters, and the accounts of what never comes.
@Suite struct DerivedIngestTests {
    typealias Fixture = TelemetryFixture

    /// Key and sequence of every row of the history, whose value must be its sequence.
    private func rows(_ cloud: Fixture, topic: String = "#") throws -> [String] {
        let records = try cloud.history {
            $0.thing = "thing-1"
            $0.limit = 100_000
            $0.filter = try TopicFilter(topic)
        }.records
        for record in records {
            #expect(
                record.message.reading.values["sequence"]?.integerValue
                    == Int64(record.origin.firstSequence))
            #expect(record.origin.lastSequence == record.origin.firstSequence)
            #expect(record.origin.rowOffsets.isEmpty)
        }
        return records.map {
            "\($0.origin.componentInstance)#\($0.origin.outputIndex)@\($0.origin.firstSequence)"
        }.sorted()
    }

    @Test func sparseRowsKeepTheirSequencesAndWhatLiesBetweenIsSettled() async throws {
        try await Fixture.with { cloud in
            let core = try Fixture.session(.core, "core-a", epoch: 10)
            _ = try cloud.open(core)
            let batch = Derived(covered: 1...20, rows: [3, 4, 9, 15])
            let result = try cloud.ingest([batch.item(at: 1)], core)
            #expect(result.outcome.rejected.isEmpty)
            #expect(result.stored.map(\.batch.count) == [4])
            #expect(result.stored.flatMap(\.records).map(\.origin.firstSequence) == [3, 4, 9, 15])
            #expect(try rows(cloud) == ["c#0@15", "c#0@3", "c#0@4", "c#0@9"])
            let record = try #require(try cloud.history().records.first)
            #expect(record.source.component == "compensate")
            #expect(record.source.version == "1.2.0")
            #expect(record.source.revision == 7)
            #expect(record.core == "core-a")
            let ledger = try cloud.ledger("thing-1")
            #expect(ledger.received == 4 && ledger.missing == 0 && ledger.lost == 0)
        }
    }

    @Test func onlyNewRowsOfASparseBatchAreKeptAndTheRestIsCountedAsRepeated() async throws {
        try await Fixture.with { cloud in
            let a = try Fixture.session(.core, "core-a", epoch: 10)
            let b = try Fixture.session(.core, "core-b", epoch: 11)
            _ = try cloud.open(a)
            _ = try cloud.open(b)
            try cloud.ingest([Derived(covered: 5...10, rows: [6, 9]).item(at: 1)], a)
            let result = try cloud.ingest([Derived(covered: 1...14, rows: [2, 6, 9, 12]).item(at: 1)], b)
            // The rows that are new lie before and behind those that are not.
            #expect(result.stored.flatMap(\.records).map(\.origin.firstSequence) == [2, 12])
            #expect(try rows(cloud) == ["c#0@12", "c#0@2", "c#0@6", "c#0@9"])
            let days = try cloud.ledger("thing-1").days
            #expect(days.map(\.duplicates).reduce(0, +) == 2)
            #expect(days.map(\.received).reduce(0, +) == 4)
            // The other output, another instance, and the thing's own messages are accounts of their own.
            try cloud.ingest(
                [
                    Derived(output: 1, covered: 1...14, rows: [2, 6]).item(at: 5),
                    Derived(component: "c#0/d", covered: 1...14, rows: [2]).item(at: 7),
                    messages(8, 8, origin: origin("thing-1", 2, 2), rows: 2...2),
                ], b)
            #expect(
                try rows(cloud) == [
                    "#0@2", "c#0/d#0@2", "c#0@12", "c#0@2", "c#0@6", "c#0@9", "c#1@2", "c#1@6",
                ])
        }
    }

    @Test func deadLettersHaveOneTopicAndOneOutputEverywhere() throws {
        #expect(Int(WireOrigin.deadLetterOutput) == DeadLetter.outputIndex)
        #expect(WireOrigin.maximumChain == GroupDefinition.Limits.chain)
        let topic = DeadLetter.topic(ofInstance: "i")
        _ = try BatchCheck().check(batch(1, 1, topic: topic), deadLettersOf: "i")
        #expect(throws: IncomingPublication.Refusal.self) {
            try BatchCheck().check(batch(1, 1, topic: topic))
        }
    }

    @Test func offsetsThatDoNotFitAreRefusedAndStallNothing() async throws {
        try await Fixture.with { cloud in
            let core = try Fixture.session(.core, "core-a", epoch: 10)
            _ = try cloud.open(core)
            func wrong(_ offsets: [UInt32], last: UInt64 = 9, at position: UInt64) -> IngestItem {
                var publication = Derived(covered: 1...9, rows: [2, 4]).publication(at: position)
                publication.origin.lastSequence = last
                publication.origin.rowOffsets = offsets
                return .messages(IncomingPublication(publication, now: Fixture.start))
            }
            let result = try cloud.ingest(
                [
                    wrong([1], at: 1), wrong([1, 2, 3], at: 3), wrong([3, 1], at: 5), wrong([1, 1], at: 7),
                    wrong([1, 9], at: 9), wrong([1, .max], at: 11), wrong([1, 2], last: 0, at: 13),
                    Derived(covered: 1...9, rows: [2, 4]).item(at: 15),
                ], core)
            #expect(
                result.outcome.rejected.map(\.reason) == Array(repeating: .malformedMessage, count: 7))
            #expect(result.outcome.acknowledged == 16)
            #expect(try rows(cloud) == ["c#0@2", "c#0@4"])
        }
    }

    private struct Path: Sendable, CustomStringConvertible {
        let description: String
        var output: UInt32 = 0
        var isValid = false
    }

    private static let chain = Array(repeating: "a#1", count: 7).joined(separator: "/")

    private static let paths = [
        Path(description: "a#0/b", output: 65_535, isValid: true), Path(description: "a", output: 65_536),
        Path(description: "", output: 1), Path(description: "a/b"), Path(description: "a#0"),
        Path(description: "a#0/"), Path(description: "a#65536/b"), Path(description: "a#00/b"),
        Path(description: "a b"), Path(description: "\(chain)/b", isValid: true),
        Path(description: "a#1/\(chain)/b"),
    ]

    @Test func aComponentPathHasItsForm() async throws {
        try await Fixture.with { cloud in
            let core = try Fixture.session(.core, "core-a", epoch: 10)
            _ = try cloud.open(core)
            for (index, path) in Self.paths.enumerated() {
                let batch = Derived(
                    component: path.description, output: path.output, topic: "t", covered: 1...1, rows: [1])
                let result = try cloud.ingest([batch.item(at: UInt64(index) + 1)], core)
                #expect(result.outcome.rejected.isEmpty == path.isValid, "\(path)")
            }
        }
    }

    @Test func deadLettersComeOnlyFromCoresUnderTheTopicOfTheirInstance() async throws {
        try await Fixture.with { cloud in
            let core = try Fixture.session(.core, "core-a", epoch: 10)
            let thing = try Fixture.session(.thing, "thing-1", epoch: 20)
            _ = try cloud.open(core)
            _ = try cloud.open(thing)
            func letters(
                _ component: String, _ topic: String, output: UInt32 = WireOrigin.deadLetterOutput
            ) -> Derived {
                Derived(component: component, output: output, topic: topic, covered: 1...5, rows: [4])
            }
            let good = letters("a#0/b", "$dead-letter/b")
            let wrong = [
                letters("a#0/b", "$dead-letter/a"), letters("b", "$dead-letter/b", output: 0),
                letters("b", "$dead-letter/b/more"), letters("b", "$other/b"), letters("", "$dead-letter/b"),
            ]
            var items = [good.item(at: 1)]
            for (index, batch) in wrong.enumerated() { items.append(batch.item(at: UInt64(index) + 2)) }
            let result = try cloud.ingest(items, core)
            #expect(result.outcome.rejected.count == wrong.count)
            #expect(result.outcome.rejected.allSatisfy { $0.firstSequence >= 2 })
            // A thing may neither publish dead letters nor say that a component made its messages.
            let hostile = letters("b", "$dead-letter/b")
            var derived = hostile
            derived.topic = "t"
            let refused = try cloud.ingest(
                [hostile.item(at: 1, fromCore: false), derived.item(at: 2, fromCore: false)], thing)
            #expect(refused.outcome.rejected.map(\.reason).contains(.originNotAllowed))
            #expect(refused.outcome.rejected.count == 2)
            // They are found by their topic, and not by wildcards that name no `$`.
            #expect(try rows(cloud, topic: "$dead-letter/#") == ["a#0/b#65535@4"])
            #expect(try rows(cloud, topic: "#").isEmpty)
            #expect(try rows(cloud, topic: "+/b").isEmpty)
            #expect(try cloud.history().records.count == 1, "without a filter nothing is hidden")
        }
    }

    // MARK: Accounts

    @Test func whatAComponentFilteredIsCoveredAndNotLost() async throws {
        try await Fixture.with { cloud in
            let core = try Fixture.session(.core, "core-a", epoch: 10)
            _ = try cloud.open(core)
            try cloud.ingest(
                [
                    messages(1, 30, origin: origin("thing-1", 1, 30), rows: 1...30),
                    Derived(covered: 1...10, rows: [10]).item(at: 31),
                    loss(32, 32, .filtered, origins: [derivedOrigin(11, 20)]),
                    Derived(covered: 21...30, rows: [22]).item(at: 33),
                ], core)
            var ledger = try cloud.ledger("thing-1")
            #expect(ledger.lost == 0 && ledger.missing == 0 && ledger.ranges.isEmpty)
            #expect(ledger.received == 32)
            #expect(ledger.days.allSatisfy { $0.lost.isEmpty })
            // A late copy of what was filtered under another revision changes nothing.
            try cloud.ingest([Derived(covered: 11...20, rows: [15]).item(at: 34)], core)
            #expect(try rows(cloud).filter { $0.hasPrefix("c") } == ["c#0@10", "c#0@22"])
            // What was said to be lost before is found to have been filtered.
            try cloud.ingest(
                [
                    loss(35, 35, .overwritten, origins: [derivedOrigin(31, 40)]),
                    loss(36, 36, .filtered, origins: [derivedOrigin(31, 38)]),
                ], core)
            ledger = try cloud.ledger("thing-1")
            #expect(ledger.lost == 2)
            #expect(ledger.days.flatMap(\.lost).map(\.count) == [2])
        }
    }

    @Test func aLostBatchLosesItsMessagesAndNotWhatItCoveredBesideThem() async throws {
        try await Fixture.with { cloud in
            let core = try Fixture.session(.core, "core-a", epoch: 10)
            _ = try cloud.open(core)
            let gone = derivedOrigin(1, 1_000, offsets: [4, 499, 500])
            try cloud.ingest(
                [
                    loss(1, 3, .overwritten, origins: [gone]),
                    // One that is no account of anything is ignored.
                    loss(4, 4, .overwritten, origins: [derivedOrigin(1, 10, offsets: [9, 4])]),
                    Derived(covered: 1_001...1_010, rows: [1_005]).item(at: 5),
                ], core)
            let ledger = try cloud.ledger("thing-1")
            #expect(ledger.lost == 3 && ledger.missing == 0 && ledger.received == 1)
            #expect(ledger.ranges.map { "\($0.firstSequence)-\($0.lastSequence)" } == ["5-5", "500-501"])
            #expect(ledger.ranges.allSatisfy { $0.componentInstance == "c#0" && $0.reason == .overwritten })
        }
    }

    @Test func whatAComponentFailedOnIsLostUnlessItsDeadLetterComes() async throws {
        try await Fixture.with { cloud in
            let a = try Fixture.session(.core, "core-a", epoch: 10)
            let b = try Fixture.session(.core, "core-b", epoch: 11)
            _ = try cloud.open(a)
            _ = try cloud.open(b)
            let letters = WireOrigin.deadLetterOutput
            func failed(_ first: UInt64, _ last: UInt64) -> WireOrigin {
                derivedOrigin(first, last, output: letters)
            }
            try cloud.ingest(
                [
                    Derived(covered: 1...10, rows: [1, 2, 3, 5, 6, 8, 9, 10]).item(at: 1),
                    loss(
                        9, 10, .filtered, origins: [failed(1, 3), failed(5, 6), failed(8, 10)]),
                    loss(11, 12, .transformFailed, origins: [failed(4, 4), failed(7, 7)]),
                ], a)
            var ledger = try cloud.ledger("thing-1")
            #expect(ledger.lost == 2 && ledger.missing == 0 && ledger.received == 8)
            #expect(ledger.ranges.map(\.componentInstance) == ["c#65535", "c#65535"])
            #expect(ledger.ranges.map(\.firstSequence) == [4, 7])
            #expect(ledger.ranges.allSatisfy { $0.reason == .transformFailed })
            #expect(ledger.days.flatMap(\.lost).map(\.reason) == [.transformFailed])
            // Another core processed the same without a failure; its output was there already, without these two.
            let copy = try cloud.ingest(
                [
                    Derived(covered: 1...10, rows: Array(1...10)).item(at: 1),
                    loss(11, 11, .filtered, origins: [failed(1, 10)]),
                ], b)
            #expect(copy.stored.isEmpty)
            #expect(try cloud.ledger("thing-1").lost == 2)
            // The message itself came after all, as a dead letter.
            var letter = Derived(
                output: letters, topic: "$dead-letter/c", covered: 4...10, rows: [4])
            try cloud.ingest([letter.item(at: 12)], b)
            ledger = try cloud.ledger("thing-1")
            #expect(ledger.lost == 1 && ledger.received == 9)
            #expect(try rows(cloud, topic: "$dead-letter/+") == ["c#65535@4"])
            letter = Derived(output: letters, topic: "$dead-letter/c", covered: 90...95, rows: [95])
            try cloud.ingest([letter.item(at: 13)], b)
            // Between dead letters nothing can be missing.
            #expect(try cloud.ledger("thing-1").missing == 0)
        }
    }

    @Test func missingIsToldForEachOutputAlone() async throws {
        try await Fixture.with { cloud in
            let core = try Fixture.session(.core, "core-a", epoch: 10)
            _ = try cloud.open(core)
            try cloud.ingest(
                [
                    messages(1, 9, origin: origin("thing-1", 1, 9), rows: 1...9),
                    Derived(covered: 1...3, rows: [1]).item(at: 10),
                    Derived(covered: 6...9, rows: [7, 8]).item(at: 11),
                    Derived(output: 1, covered: 1...9, rows: [2]).item(at: 13),
                ], core)
            let ledger = try cloud.ledger("thing-1")
            #expect(ledger.missing == 2)
            #expect(
                ledger.ranges.map { "\($0.componentInstance) \($0.firstSequence)-\($0.lastSequence)" } == [
                    "c#0 4-5"
                ])
        }
    }

    // MARK: Whatever comes

    /// Two cores derive the same from one thing's messages, each in batches of its own, in any order and again and
    /// again.
    @Test(arguments: UInt64(1)...12) func everyDerivedRowIsStoredOnceHoweverItComes(seed: UInt64) async throws
    {
        try await Fixture.with { cloud in
            var random = SeededGenerator(seed: seed)
            let total: UInt64 = 150
            let outputs: [(component: String, output: UInt32, modulus: UInt64)] = [
                ("a", 0, 3), ("a", 1, 7), ("a#0/b", 0, 5),
            ]
            var position: [String: UInt64] = ["core-a": 1, "core-b": 1]
            var sessions: [String: IngestSession] = [:]
            for (index, name) in ["core-a", "core-b"].enumerated() {
                sessions[name] = try Fixture.session(.core, name, epoch: 100 + UInt64(index))
            }
            for session in sessions.values { _ = try cloud.open(session) }
            var covered: [String: SequenceSet] = [:]
            var sent: UInt64 = 0
            for _ in 0..<120 {
                guard let output = outputs.randomElement(using: &random),
                    let core = ["core-a", "core-b"].randomElement(using: &random),
                    let session = sessions[core]
                else { return }
                let first = UInt64.random(in: 1...total, using: &random)
                let last = min(total, first + UInt64.random(in: 0...25, using: &random))
                let rows = (first...last).filter { $0 % output.modulus != 0 }
                let at = position[core] ?? 1
                let key = "\(output.component)#\(output.output)"
                guard let range = SequenceRange(first, last) else { continue }
                if rows.isEmpty {
                    let origin = derivedOrigin(
                        first, last, component: output.component, output: output.output)
                    try cloud.ingest([loss(at, at, .filtered, origins: [origin])], session)
                    position[core] = at + 1
                } else {
                    let item = Derived(
                        component: output.component, output: output.output, covered: first...last,
                        rows: rows
                    ).item(at: at)
                    let isRepeated = Bool.random(using: &random)
                    try cloud.ingest(isRepeated ? [item, item] : [item], session)
                    sent += UInt64(rows.count) * (isRepeated ? 2 : 1)
                    position[core] = at + UInt64(rows.count)
                }
                covered[key, default: SequenceSet()].insert(range)
            }
            var expected: [String] = []
            for output in outputs {
                let key = "\(output.component)#\(output.output)"
                for range in covered[key]?.ranges ?? [] {
                    for sequence in range.first...range.last where sequence % output.modulus != 0 {
                        expected.append("\(key)@\(sequence)")
                    }
                }
            }
            #expect(try rows(cloud) == expected.sorted(), "seed \(seed)")
            let ledger = try cloud.ledger("thing-1")
            #expect(ledger.received == UInt64(expected.count), "seed \(seed)")
            #expect(ledger.lost == 0, "seed \(seed)")
            let missing = covered.values.flatMap(\.gaps).reduce(0) { $0 + $1.count }
            #expect(ledger.missing == missing, "seed \(seed)")
            #expect(
                ledger.days.reduce(0) { $0 + $1.received + $1.duplicates } == sent, "seed \(seed)")
        }
    }
}
