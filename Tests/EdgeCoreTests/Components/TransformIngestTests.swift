import Components
import Foundation
import GRDB
import HedgerowAPI
import Messaging
import RPCSupport
import StreamStore
import SwiftProtobuf
import TestSupport
import Testing
import Transforms

@testable import EdgeCore

/// What the core does with a thing's messages when components take part.
@Suite(.timeLimit(.minutes(5))) struct TransformIngestTests {
    private static let input = [
        InputField(name: "n", type: .int), InputField(name: "d", type: .int),
        InputField(name: "keep", type: .int),
    ]

    /// Drops what is not to be kept, divides, publishes: by zero it fails.
    private func divider(_ name: String = "i", version: String = "1.0.0", _ numerator: Int = 100) throws
        -> RunningComponent
    {
        try component(
            name, version: version, input: Self.input,
            [
                .filter("reading.keep == 1"),
                .set([FieldAssignment(field: "q", value: ExpressionText("\(numerator) / reading.d"))]),
                .keep(["q"]), .publish(.literal("out/x")),
            ])
    }

    private func running(
        _ subscriptions: [(String, String, String, String)], _ components: [RunningComponent],
        streams: [(String, UInt64, Bool)] = [], number: UInt64 = 1
    ) -> RunningRevision {
        RunningRevision(
            revision(subscriptions, number: number, streams: streams), components: components, number: number)
    }

    private func fields(_ sequence: UInt64) -> [String: Int64] {
        ["n": Int64(sequence), "d": Int64(sequence % 3), "keep": sequence % 4 == 0 ? 0 : 1]
    }

    private func ingest(
        _ core: TelemetryFixture, _ running: RunningRevision, _ items: [IngestItem], epoch number: UInt64 = 1
    ) async throws -> CoreIngestTransaction.Result {
        let session = try core.session(epoch: number)
        return try await core.transaction(session, running) { transaction in
            _ = try transaction.open()
            return try transaction.ingest(items)
        }
    }

    @Test func rawDerivedAndDeadLettersAreStoredTogether() async throws {
        try await TelemetryFixture.with { core in
            let running = running(
                [
                    ("thing:a", "t/#", "cloud", ""), ("thing:a", "t/x", "component:i", ""),
                    ("component:i", "out/#", "cloud", ""), ("component:i", "$dead-letter/i", "cloud", ""),
                ], [try divider()])
            let result = try await ingest(core, running, [readings(1, 9, fields)])
            #expect(result.outcome.acknowledged == 9)
            let contents = try await core.drained()
            #expect(contents.rows(of: "").count == 9)
            #expect(
                contents.rows(of: "i#0") == [
                    "1 out/x q=100", "2 out/x q=50", "5 out/x q=50", "7 out/x q=100",
                ])
            let letters = contents.rows.filter { $0.output == "i#65535" }
            #expect(letters.map(\.sequence) == [3, 6, 9])
            #expect(letters.allSatisfy { $0.text.hasPrefix("$dead-letter/i notProcessed d=0 keep=1 n=") })
            // Each output covers the whole input.
            #expect(contents.covered.values.map(\.ranges) == Array(repeating: [range(1, 9)], count: 3))
            #expect(
                contents.derived.map(\.source)
                    == Array(
                        repeating: .init(component: "i", version: "1.0.0", revision: 1), count: 2))
            let tally = try #require(result.tallies.first)
            #expect(tally.input == 9 && tally.output == 4 && tally.filtered == 2)
            #expect(tally.failures.values.reduce(0, +) == 3 && tally.failures.count == 1)
        }
    }

    @Test func aDeadLetterSaysItsTopicAndItsCauseWithinTheBound() async throws {
        try await TelemetryFixture.with { core in
            let topic = "t/" + String(repeating: "é", count: 120)
            let running = running(
                [("thing:a", "t/#", "component:i", ""), ("component:i", "$dead-letter/i", "cloud", "")],
                [try divider()])
            _ = try await ingest(core, running, [readings(3, 3, topic: topic, fields)].map { $0 })
            _ = try await ingest(
                core, running, [readings(1, 3, fields), readings(4, 6, topic: topic, fields)], epoch: 2)
            let contents = try await core.drained()
            let reasons = try contents.derived.flatMap {
                try Batch(serializedBytes: $0.payload).readings.statuses.map(\.reason)
            }
            #expect(reasons.count == 2)
            #expect(reasons[0].hasPrefix("t/x: ") && reasons[0].contains("division by zero"), "\(reasons)")
            #expect(reasons[1].utf8.count <= 256 && reasons[1].hasPrefix(topic))
        }
    }

    @Test func payloadsFailAndKeepTheirBytes() async throws {
        try await TelemetryFixture.with { core in
            let running = running(
                [("thing:a", "t/#", "component:i", ""), ("component:i", "$dead-letter/i", "thing:b", "")],
                [try divider()])
            let result = try await ingest(core, running, [messages(1, 2)])
            #expect(result.tallies.first?.failures.values.reduce(0, +) == 2)
            let queued = try await core.pool.read {
                try SubscriberQueue.next($0, subscriber: "b", after: 0, limit: 10)
            }
            let records = try queued.map { try MessageRecord(serializedBytes: $0.payload) }
            #expect(records.map(\.message.payload.data.count) == [4, 4])
            #expect(records.map(\.message.topic) == ["$dead-letter/i", "$dead-letter/i"])
            #expect(records.map(\.origin.firstSequence) == [1, 2])
            #expect(records.map(\.origin.outputIndex) == [65_535, 65_535])
            #expect(records.first?.source.component == "i")
        }
    }

    @Test func failuresThatNoRouteTakesAreToldExactly() async throws {
        try await TelemetryFixture.with { core in
            let running = running(
                [("thing:a", "t/x", "component:i", ""), ("component:i", "out/#", "cloud", "")],
                [try divider()])
            _ = try await ingest(core, running, [readings(1, 9, fields)])
            _ = try await ingest(core, running, [readings(10, 11, fields)])
            _ = try await ingest(core, running, [readings(12, 15, fields)])
            let contents = try await core.drained()
            let failed = contents.rows.filter { $0.output == "i#65535" && $0.text == "transformFailed" }
            #expect(failed.map(\.sequence) == [3, 6, 9, 15])
            #expect(contents.overlaps.isEmpty)
        }
    }

    /// A topic that changes from reading to reading makes a batch of each, and a pass of its own behind it.
    @Test func failuresBehindAnOutputThatWentOnInPartsAreToldAll() async throws {
        try await TelemetryFixture.with { core in
            let splitting = try component(
                "i", input: Self.input,
                [.publish(.computed(ExpressionText("reading.n % 2 == 0 ? \"out/a\" : \"out/b\"")))])
            let running = running(
                [
                    ("thing:a", "t/x", "component:i", ""), ("component:i", "out/#", "component:j", ""),
                    ("component:j", "out/#", "cloud", ""),
                ], [splitting, try divider("j")])
            _ = try await ingest(
                core, running, [readings(1, 6) { ["n": Int64($0), "d": 0, "keep": 1] }])
            let contents = try await core.drained()
            let failed = contents.rows.filter { $0.output == "i#0/j#65535" }
            #expect(failed.map(\.sequence).sorted() == [1, 2, 3, 4, 5, 6])
            #expect(failed.allSatisfy { $0.text == "transformFailed" })
        }
    }

    /// How many readings came together does not decide what becomes of each.
    @Test func aBatchThatLeadsToTooManyPassesIsTakenInParts() async throws {
        try await TelemetryFixture.with { core in
            let splitting = try component(
                "i", input: Self.input,
                [.publish(.computed(ExpressionText("reading.n % 2 == 0 ? \"out/a\" : \"out/b\"")))])
            let passing = try component("j", input: Self.input, [.publish(.literal("end/j"))])
            let other = try component("k", input: Self.input, [.publish(.literal("end/k"))])
            let running = running(
                [
                    ("thing:a", "t/x", "component:i", ""), ("component:i", "out/#", "component:j", ""),
                    ("component:i", "out/#", "component:k", ""), ("component:j", "end/#", "cloud", ""),
                    ("component:k", "end/#", "cloud", ""),
                ], [splitting, passing, other])
            let result = try await ingest(
                core, running, [readings(1, 800) { ["n": Int64($0), "d": 1, "keep": 1] }])
            #expect(result.outcome.acknowledged == 800 && result.outcome.rejected.isEmpty)
            let contents = try await core.drained()
            for output in ["i#0/j#0", "i#0/k#0"] {
                #expect(Set(contents.rows(of: output)).count == 800, "\(output)")
            }
            #expect(contents.overlaps.isEmpty)
        }
    }

    @Test func aChainKeepsItsPathAndItsSequences() async throws {
        try await TelemetryFixture.with { core in
            let second = try component(
                "j", input: [InputField(name: "q", type: .int)],
                [.filter("reading.q > 60"), .publish(.literal("final"))])
            let running = running(
                [
                    ("thing:a", "t/x", "component:i", ""), ("component:i", "out/x", "component:j", ""),
                    ("component:j", "final", "cloud", ""), ("component:j", "final", "thing:b", ""),
                ], [try divider(), second])
            let result = try await ingest(core, running, [readings(1, 9, fields)])
            let contents = try await core.drained()
            #expect(contents.rows(of: "i#0/j#0") == ["1 final q=100", "7 final q=100"])
            #expect(contents.derived.map(\.origin.rowOffsets) == [[0, 6]])
            #expect(contents.derived.first?.origin.range == range(1, 9))
            #expect(result.tallies.map(\.instance).sorted() == ["i", "j"])
            #expect(result.tallies.first { $0.instance == "j" }?.input == 4)
            #expect(try await core.pool.read { try SubscriberQueue.depth($0, subscriber: "b") } == 2)
        }
    }

    @Test func aBatchThatIsPartlyNewIsProcessedInThatPart() async throws {
        try await TelemetryFixture.with { core in
            let running = running(
                [("thing:a", "t/x", "component:i", ""), ("component:i", "out/x", "cloud", "")],
                [try divider()])
            _ = try await ingest(core, running, [readings(1, 5, fields)])
            let again = try await ingest(core, running, [readings(1, 5, fields), readings(3, 8, fields)])
            #expect(again.tallies.map(\.input) == [3])
            let contents = try await core.drained()
            #expect(contents.rows(of: "i#0").map { $0.prefix(2) } == ["1 ", "2 ", "5 ", "7 "])
            #expect(contents.overlaps.isEmpty)
        }
    }

    /// A derived target that takes nothing new stops all of it: raw stream, queue, counters.
    @Test func aFullDerivedTargetPausesAll() async throws {
        try await TelemetryFixture.with { core in
            let padded = try component(
                "i",
                [
                    .set([
                        FieldAssignment(
                            field: "pad", value: ExpressionText("'\(String(repeating: "x", count: 4_000))'"))
                    ]),
                    .publish(.literal("out/x")),
                ])
            let running = running(
                [
                    ("thing:a", "t/x", "cloud", ""), ("thing:a", "t/x", "thing:b", ""),
                    ("thing:a", "t/x", "component:i", ""), ("component:i", "out/x", "cloud", "small"),
                ], [padded], streams: [("small", 65_536, false)])
            let items = (0..<5).map { readings(UInt64($0) * 6 + 1, UInt64($0) * 6 + 6, fields) }
            let result = try await ingest(core, running, items)
            #expect(result.outcome.pause?.reason == .queueFull)
            #expect(result.outcome.acknowledged == 12)
            #expect(result.tallies.map(\.input) == [6, 6])
            #expect(try await core.pool.read { try SubscriberQueue.depth($0, subscriber: "b") } == 12)
            var raw = try await core.drained()
            #expect(raw.rows.count == 12)
            var small = try await core.drained("small")
            #expect(small.rows(of: "i#0").count == 12)
            let rest = try await ingest(core, running, result.outcome.remainder)
            #expect(rest.outcome.acknowledged == 24 && rest.outcome.pause != nil)
            try await core.drain("small", into: &small)
            let end = try await ingest(core, running, rest.outcome.remainder)
            #expect(end.outcome.acknowledged == 30)
            try await core.drain("small", into: &small)
            try await core.drain(into: &raw)
            #expect(small.rows(of: "i#0").count == 30 && raw.rows.count == 30)
            #expect(small.overlaps.isEmpty && raw.overlaps.isEmpty)
        }
    }

    /// An instance "i" that makes each reading so many times 7,000 bytes longer, towards a stream of 64 KiB.
    private func padding(_ fields: Int) throws -> RunningRevision {
        let text = ExpressionText("'\(String(repeating: "x", count: 7_000))'")
        let padded = try component(
            "i",
            [
                .set((0..<fields).map { FieldAssignment(field: "pad\($0)", value: text) }),
                .publish(.literal("out/x")),
            ])
        return running(
            [("thing:a", "t/x", "component:i", ""), ("component:i", "out/x", "cloud", "small")], [padded],
            streams: [("small", 65_536, false)])
    }

    @Test func whatCanNeverFitIsRefusedAndSaysWhichComponent() async throws {
        try await TelemetryFixture.with { core in
            let result = try await ingest(core, try padding(10), [readings(1, 2, fields)])
            #expect(result.outcome.acknowledged == 2)
            #expect(result.outcome.rejected.map(\.firstSequence) == [1, 2])
            #expect(result.outcome.rejected.allSatisfy { $0.reason == .messageTooLarge })
            #expect(result.outcome.rejected.first?.detail.contains("\"i\"") == true)
            #expect(result.tallies.isEmpty)
        }
    }

    @Test func whatIsMadeTooLargeAsAWholeIsTakenInParts() async throws {
        try await TelemetryFixture.with { core in
            let running = try padding(1)
            let result = try await ingest(core, running, [readings(1, 20, fields)])
            #expect(result.outcome.acknowledged == 5 && result.outcome.pause != nil)
            #expect(result.outcome.rejected.isEmpty)
            #expect(result.tallies.map(\.input) == [5])
            var small = try await core.drained("small")
            var remainder = result.outcome.remainder
            for _ in 0..<3 {
                remainder = try await ingest(core, running, remainder).outcome.remainder
                try await core.drain("small", into: &small)
            }
            #expect(remainder.isEmpty)
            #expect(small.rows(of: "i#0").count == 20)
            #expect(small.overlaps.isEmpty)
        }
    }

    @Test func longFilteredStretchesAreToldAndSoIsTheEnd() async throws {
        try await TelemetryFixture.with { core in
            let running = running(
                [("thing:a", "t/x", "component:i", ""), ("component:i", "out/x", "cloud", "")],
                [try divider()])
            for start in stride(from: UInt64(1), through: 2_201, by: 550) {
                _ = try await ingest(
                    core, running, [readings(start, start + 549) { _ in ["n": 1, "d": 1, "keep": 0] }])
            }
            var contents = try await core.drained()
            let key = OriginKey(thing: "a", epoch: epoch(1), component: "i#0")
            #expect(contents.covered[key]?.ranges == [range(1, 2_200)])
            #expect(contents.rows(of: "i#0").allSatisfy { $0.hasSuffix("filtered") })
            let session = try core.session()
            #expect(try await core.transaction(session, running) { try $0.close() } == ["default"])
            #expect(try await core.transaction(session, running) { try $0.close() }.isEmpty)
            try await core.drain(into: &contents)
            #expect(contents.covered[key]?.ranges == [range(1, 2_750)])
            #expect(contents.overlaps.isEmpty)
        }
    }

    /// What the thing lost here another core may have had: it counts as lost for every output, and never as covered.
    @Test func whatAThingLostIsLostForItsOutputsAndNeverCovered() async throws {
        try await TelemetryFixture.with { core in
            let running = running(
                [("thing:a", "t/x", "component:i", ""), ("component:i", "out/x", "cloud", "")],
                [try divider()])
            _ = try await ingest(
                core, running,
                [readings(1, 4, fields), loss(5, 10, .overwritten), readings(11, 13, fields)])
            let contents = try await core.drained()
            let told = contents.rows.filter { $0.output == "i#0" && (5...10).contains($0.sequence) }
            #expect(told.map(\.text) == Array(repeating: "overwritten", count: 6))
            let batches = contents.derived.map(\.origin.range)
            #expect(batches.last == range(11, 13))
            #expect(contents.overlaps.isEmpty)
        }
    }

    @Test func outputsAtQoS0TouchNoDisk() async throws {
        try await TelemetryFixture.with { core in
            let running = running(
                [
                    ("thing:a", "t/x", "component:i", ""), ("component:i", "out/x", "cloud", ""),
                    ("component:i", "out/x", "thing:b", ""), ("component:i", "$dead-letter/i", "cloud", ""),
                ], [try divider()])
            let result = try await ingest(core, running, [readings(1, 3, sequenced: false, fields)])
            #expect(result.outcome.acknowledged == 0)
            #expect(result.transient.map(\.publication.origin.outputIndex) == [0, 65_535])
            #expect(result.transient.allSatisfy { $0.publication.origin.lastSequence == 0 })
            #expect(result.transient.map(\.publication.source.component) == ["i", "i"])
            #expect(result.live.map(\.thing) == ["b"])
            #expect(result.tallies.map(\.input) == [3])
            #expect(try await core.drained().rows.isEmpty)
        }
    }

    @Test func aBatchIsProcessedWhollyByTheRevisionThatItWasTakenWith() async throws {
        try await TelemetryFixture.with { core in
            let routes = [("thing:a", "t/x", "component:i", ""), ("component:i", "out/x", "cloud", "")]
            let first = running(routes, [try divider()])
            let second = running(routes, [try divider("i", version: "2.0.0", 1_000)], number: 2)
            _ = try await ingest(core, first, [readings(1, 2, fields)])
            _ = try await ingest(core, second, [readings(1, 2, fields), readings(3, 5, fields)])
            let contents = try await core.drained()
            #expect(contents.rows(of: "i#0") == ["1 out/x q=100", "2 out/x q=50", "5 out/x q=500"])
            #expect(contents.derived.map(\.source?.version) == ["1.0.0", "2.0.0"])
            #expect(contents.derived.map(\.source?.revision) == [1, 2])
            #expect(contents.overlaps.isEmpty)
        }
    }

    @Test func anInstanceThatCannotRunMakesDeadLettersAndStopsNothingElse() async throws {
        try await TelemetryFixture.with { core in
            let locked = LockedComponent(
                instance: "i", component: "divide", version: try SemanticVersion(parsing: "1.0.0"),
                recipeDigest: [])
            let running = running(
                [
                    ("thing:a", "t/x", "cloud", ""), ("thing:a", "t/x", "component:i", ""),
                    ("component:i", "$dead-letter/i", "cloud", ""),
                ], [RunningComponent(locked, state: .unusable("divide 1.0.0 cannot run: damaged"))])
            let result = try await ingest(core, running, [readings(1, 3, fields)])
            #expect(result.outcome.acknowledged == 3)
            let contents = try await core.drained()
            #expect(contents.rows(of: "").count == 3)
            #expect(contents.rows(of: "i#65535").count == 3)
            #expect(result.tallies.first?.failures == ["divide 1.0.0 cannot run: damaged": 3])
        }
    }

    @Test func aMessagePassesEightComponentsAndNoMore() async throws {
        try await TelemetryFixture.with { core in
            let names = (1...9).map { "c\($0)" }
            let components = try names.map { try component($0, [.publish(.literal("out/\($0)"))]) }
            var routes = [("thing:a", "t/x", "component:c1", "")]
            for (name, next) in zip(names, names.dropFirst()) {
                routes.append(("component:\(name)", "out/#", "component:\(next)", ""))
            }
            routes.append(("component:c9", "#", "cloud", ""))
            routes.append(("component:c8", "$dead-letter/c8", "cloud", ""))
            let result = try await ingest(core, running(routes, components), [readings(1, 1, fields)])
            #expect(result.tallies.map(\.instance).sorted() == Array(names.prefix(8)))
            let contents = try await core.drained()
            #expect(contents.rows.filter { $0.output.hasSuffix("c8#65535") }.count == 1)
            #expect(contents.derived.count == 1)
        }
    }
}
