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

/// Random histories of publishing, resending, sessions, redeployments, full streams and rolled back transactions,
/// through a filter, a division that fails now and then, and a chain: each message that was taken leaves exactly one
/// trace on every output, and everything is accounted for once.
@Suite(.timeLimit(.minutes(5))) struct TransformHistoryTests {
    private struct Rollback: Error {}

    /// What a message says is a function of its sequence, so that a repeat is the same.
    private static func fields(_ sequence: UInt64) -> [String: Int64] {
        ["keep": sequence % 4 == 0 ? 0 : 1, "d": Int64(sequence % 5), "n": Int64(sequence)]
    }

    private static func isKept(_ sequence: UInt64) -> Bool { sequence % 4 != 0 }
    private static func isFailure(_ sequence: UInt64) -> Bool { isKept(sequence) && sequence % 5 == 0 }

    private static func running(_ number: UInt64, deadLetters: Bool) throws -> RunningRevision {
        let input = ["keep", "d", "n"].map { InputField(name: $0, type: .int) }
        var routes = [
            ("thing:a", "t/#", "cloud", ""), ("thing:a", "t/x", "component:i", ""),
            ("component:i", "out/x", "cloud", "derived"), ("component:i", "out/x", "component:j", ""),
            ("component:j", "final", "cloud", ""),
        ]
        if deadLetters { routes.append(("component:i", "$dead-letter/i", "cloud", "")) }
        return RunningRevision(
            revision(routes, number: number, streams: [("derived", 65_536, false)]),
            components: [
                try component(
                    "i", version: "\(number).0.0", input: input,
                    [
                        .filter("reading.keep == 1"),
                        .set([
                            FieldAssignment(
                                field: "q", value: ExpressionText("\(number * 1_000) / reading.d")),
                            FieldAssignment(field: "r", value: ExpressionText("\(number)")),
                        ]), .publish(.literal("out/x")),
                    ]),
                try component(
                    "j", version: "\(number).0.0",
                    [.filter("reading.d < 3"), .keep(["r"]), .publish(.literal("final"))]),
            ], number: number)
    }

    @Test(arguments: 1...12) func everyMessageLeavesOneTraceOnEachOutput(seed: Int) async throws {
        let deadLetters = seed % 2 == 0
        try await TelemetryFixture.with { core in
            var random = SeededGenerator(seed: UInt64(seed))
            var number: UInt64 = 1
            var running = try Self.running(1, deadLetters: deadLetters)
            var epochNumber: UInt64 = 1
            var next: UInt64 = 1
            var cursor: UInt64 = 0
            /// Topic of each message that was taken, by epoch and sequence; nil where it was lost.
            var taken: [UInt64: [UInt64: String?]] = [:]
            var contents = StreamContents()

            func items() -> [IngestItem] {
                var first = next
                if cursor > 3, Bool.random(using: &random) {
                    first = UInt64.random(in: max(1, cursor - 3)...cursor + 1, using: &random)
                }
                first = min(first, next)
                var items: [IngestItem] = []
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    let last = first + UInt64.random(in: 0...9, using: &random)
                    let topics = taken[epochNumber] ?? [:]
                    // A repeat has the topic that it had.
                    let known = (first...last).compactMap { topics[$0] }
                    if known.isEmpty, Int.random(in: 0..<8, using: &random) == 0 {
                        items.append(loss(first, last))
                        for sequence in first...last {
                            taken[epochNumber, default: [:]][sequence] = .some(nil)
                        }
                    } else {
                        for sequence in first...last {
                            let topic =
                                topics[sequence]
                                ?? (Int.random(in: 0..<4, using: &random) == 0 ? "t/y" : "t/x")
                            taken[epochNumber, default: [:]][sequence] = topic
                            if let topic {
                                items.append(readings(sequence, sequence, topic: topic, Self.fields))
                            } else {
                                items.append(loss(sequence, sequence))
                            }
                        }
                    }
                    first = last + 1
                }
                next = max(next, first)
                return Self.joined(items)
            }

            for _ in 0..<60 {
                let session = try core.session(epoch: epochNumber)
                switch Int.random(in: 0..<20, using: &random) {
                case 0:
                    _ = try await core.transaction(session, running) { try $0.close() }
                    cursor = try await core.transaction(session, running) { try $0.open().resumeAfter }
                case 1:
                    _ = try await core.transaction(session, running) { try $0.close() }
                    epochNumber += 1
                    (next, cursor) = (1, 0)
                case 2, 3:
                    number += 1
                    running = try Self.running(number, deadLetters: deadLetters)
                case 4:
                    try await core.drain("derived", into: &contents)
                    try await core.drain(into: &contents)
                case 5, 6:
                    // The power goes before the commit: it never happened.
                    let items = items()
                    await #expect(throws: Rollback.self) {
                        try await core.transaction(session, running) { transaction in
                            _ = try transaction.open()
                            _ = try transaction.ingest(items)
                            throw Rollback()
                        }
                    }
                    next = cursor + 1
                default:
                    var waiting = items()
                    repeat {
                        let now = waiting
                        let result = try await core.transaction(session, running) { transaction in
                            _ = try transaction.open()
                            return try transaction.ingest(now)
                        }
                        #expect(result.outcome.failure == nil)
                        cursor = result.outcome.acknowledged
                        waiting = result.outcome.remainder
                        if result.outcome.pause != nil { try await core.drain("derived", into: &contents) }
                    } while !waiting.isEmpty
                    next = cursor + 1
                }
                for sequence in taken[epochNumber, default: [:]].keys where sequence > cursor {
                    taken[epochNumber]?[sequence] = nil
                }
            }
            let session = try core.session(epoch: epochNumber)
            let last = running
            _ = try await core.transaction(session, last) { try $0.close() }
            try await core.drain("derived", into: &contents)
            try await core.drain(into: &contents)
            Self.check(contents, taken, deadLetters: deadLetters, "seed \(seed)")
        }
    }

    /// Neighbours of one topic as one batch.
    private static func joined(_ items: [IngestItem]) -> [IngestItem] {
        var result: [IngestItem] = []
        for item in items {
            if case .messages(let publication) = item, case .messages(let before)? = result.last,
                let positions = publication.positions, let previous = before.positions,
                positions.first == previous.last + 1,
                case .success(let content) = publication.content, case .success(let old) = before.content,
                content.topic == old.topic
            {
                result[result.count - 1] = readings(
                    previous.first, positions.last, topic: content.topic.description, fields)
            } else {
                result.append(item)
            }
        }
        return result
    }

    private static func check(
        _ contents: StreamContents, _ taken: [UInt64: [UInt64: String?]], deadLetters: Bool, _ seed: Comment
    ) {
        #expect(contents.overlaps.isEmpty, seed)
        var expected: [String: Set<UInt64>] = [:]
        for (number, messages) in taken {
            for (sequence, topic) in messages where topic == "t/x" {
                let id = number * 1_000_000 + sequence
                guard isKept(sequence) else { continue }
                if isFailure(sequence) {
                    expected["i#65535", default: []].insert(id)
                } else {
                    expected["i#0", default: []].insert(id)
                    if sequence % 5 < 3 { expected["i#0/j#0", default: []].insert(id) }
                }
            }
        }
        for output in ["i#0", "i#0/j#0"] {
            let found = contents.derived.filter { $0.origin.key.component == output }
            var rows: Set<UInt64> = []
            for batch in found { add(batch, to: &rows, output, seed) }
            #expect(rows == expected[output] ?? [], "\(seed) \(output)")
        }
        let failed = contents.rows.filter { $0.output == "i#65535" }
        if deadLetters {
            var rows: Set<UInt64> = []
            for batch in contents.derived where batch.origin.key.component == "i#65535" {
                add(batch, to: &rows, "i#65535", seed)
            }
            #expect(rows == expected["i#65535"] ?? [], seed)
        } else {
            #expect(
                failed.count { $0.text == "transformFailed" } == expected["i#65535"]?.count ?? 0, seed)
        }
        // Of the thing's own messages nothing is missing, and of an output nothing between its first and its last.
        // (Gaps between dead letters mean nothing: nobody counts them.)
        for (key, set) in contents.covered where key.component != "i#65535" {
            #expect(set.ranges.count == 1, "\(seed) \(key.component)")
            guard let number = taken.keys.first(where: { epoch($0) == key.epoch }) else { continue }
            #expect(set.ranges.last?.last == taken[number]?.keys.max(), "\(seed) \(key.component)")
            if key.component.isEmpty { #expect(set.ranges.first?.first == 1, seed) }
        }
    }

    /// Adds the messages of a batch, each of which must be new, right, and of the batch's own revision.
    private static func add(
        _ stored: StreamBatch, to rows: inout Set<UInt64>, _ output: String, _ seed: Comment
    ) {
        guard let batch = try? Batch(serializedBytes: stored.payload),
            let number = (1...99).first(where: { epoch(UInt64($0)) == stored.origin.key.epoch })
        else {
            Issue.record(seed)
            return
        }
        let sequences = StreamContents.sequences(stored.origin, count: batch.count)
        for (row, sequence) in sequences.enumerated() {
            #expect(
                rows.insert(UInt64(number) * 1_000_000 + sequence).inserted,
                "\(seed) twice: \(output) \(sequence)")
            let values = batch.message(row: row).reading.values
            let revision = Int64(stored.source?.revision ?? 0)
            #expect(stored.source?.version == "\(revision).0.0", seed)
            if output == "i#65535" {
                #expect(values["n"]?.integerValue == Int64(sequence), seed)
                continue
            }
            #expect(values["r"]?.integerValue == revision, seed)
            if output == "i#0" {
                #expect(values["q"]?.integerValue == revision * 1_000 / Int64(sequence % 5), seed)
            }
        }
    }
}
