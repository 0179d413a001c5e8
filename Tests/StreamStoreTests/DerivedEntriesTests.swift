import Foundation
import GRDB
import Messaging
import TestSupport
import Testing

@testable import StreamStore

/// What streams keep about messages that components derived.
@Suite struct DerivedEntriesTests {
    private static let overwritten = 2
    private let limits = StreamLimits(maximumBytes: 1_000, overwritesOldest: true)
    private let source = StreamBatch.Source(component: "compensate", version: "1.2.0", revision: 7)

    private func append(_ db: Database, _ batch: StreamBatch, count: Int) throws {
        _ = try DurableStreams(db).append(
            batch, count: count, to: "s", epoch: epoch(9), limits: limits, overwrittenReason: Self.overwritten
        )
    }

    private func entries(_ db: Database) throws -> [StreamEntry] {
        let streams = DurableStreams(db)
        let current = try #require(try streams.epochs(of: "s", current: epoch(9)).last)
        return try streams.entries(of: current, after: 0, limit: .max, maximumBytes: .max)
    }

    @Test func rowOffsetsAndSourceComeBackAsTheyWere() async throws {
        try await withStore { pool in
            let derived = StreamBatch(
                payload: [1, 2],
                origin: origin(
                    "a", 10, 400, component: "smooth#0/alarm#65535", rowOffsets: [0, 1, 200, 390]),
                source: source, receiveTime: 5, isReceiveTimeDoubtful: false)
            let own = StreamBatch(
                payload: [3], origin: origin("a", 10, 10), receiveTime: 6, isReceiveTimeDoubtful: true)
            try await pool.write { db in
                try append(db, derived, count: 4)
                try append(db, own, count: 1)
                let found = try entries(db)
                #expect(found.map(\.positions.description) == ["1-4", "5-5"])
                guard case .batch(let first)? = found.first?.content,
                    case .batch(let second)? = found.last?.content
                else {
                    Issue.record("not the batches that were appended")
                    return
                }
                #expect(first == derived)
                #expect(second == own)
            }
        }
    }

    @Test func whatIsOverwrittenOrSentIsToldByItsOutput() async throws {
        try await withStore { pool in
            try await pool.write { db in
                for (number, component) in [(UInt64(1), "i#0"), (2, "i#0"), (1, "i#65535"), (3, "i#0")] {
                    try append(
                        db,
                        StreamBatch(
                            payload: [UInt8](repeating: 0, count: 400),
                            origin: origin("a", number, number, component: component), source: source,
                            receiveTime: 0, isReceiveTimeDoubtful: false), count: 1)
                }
                guard case .lost(Self.overwritten, let lost)? = try entries(db).first?.content else {
                    Issue.record("nothing was overwritten")
                    return
                }
                #expect(lost == [origin("a", 1, 2, component: "i#0")])
                let streams = DurableStreams(db)
                var current = try #require(try streams.epochs(of: "s", current: epoch(9)).last)
                try streams.acknowledge(current, through: 4)
                current = try #require(try streams.epochs(of: "s", current: epoch(9)).last)
                let exported = try streams.exported(of: current, after: 0, reason: 7)
                    .flatMap { entry -> [StreamEntry.OriginRange] in
                        if case .lost(_, let origins) = entry.content { origins } else { [] }
                    }
                #expect(
                    Set(exported) == [
                        origin("a", 1, 2, component: "i#0"), origin("a", 3, 3, component: "i#0"),
                        origin("a", 1, 1, component: "i#65535"),
                    ])
            }
        }
    }

    /// What the steps dropped beside the messages of a batch is not lost when the batch is overwritten.
    @Test func anAccountNamesTheMessagesThatAreGone() async throws {
        try await withStore { pool in
            try await pool.write { db in
                let batches = [
                    (origin("a", 1, 10, component: "i#0", rowOffsets: [0, 4]), 2),
                    (origin("a", 11, 20, component: "i#0"), 3), (origin("a", 21, 22, component: "i#0"), 2),
                    (origin("a", 23, 24, component: "i#0"), 2), (origin("a", 25, 26, component: "i#0"), 2),
                ]
                for (origin, count) in batches {
                    try append(
                        db,
                        StreamBatch(
                            payload: [UInt8](repeating: 0, count: 900), origin: origin, source: source,
                            receiveTime: 0, isReceiveTimeDoubtful: false), count: count)
                }
                guard case .lost(Self.overwritten, let lost)? = try entries(db).first?.content else {
                    Issue.record("nothing was overwritten")
                    return
                }
                #expect(
                    lost == [
                        origin("a", 1, 10, component: "i#0", rowOffsets: [0, 4]),
                        origin("a", 11, 20, component: "i#0", rowOffsets: [7, 8, 9]),
                        origin("a", 21, 24, component: "i#0"),
                    ])
            }
        }
    }

    /// A database of the release before gets the columns, and what lay in it is sent as it was.
    @Test func anOlderDatabaseIsCarriedOn() async throws {
        let queue = try DatabaseQueue()
        try await queue.write { db in
            try DurableStreams.createTables(db)
            try db.execute(
                sql: """
                    INSERT INTO stream_epoch VALUES (1, 's', ?, 3, 0);
                    INSERT INTO stream_entry VALUES (1, 1, 1, 2, NULL, 1, 7, 0, 'a', ?, '', 1, 2, x'2A');
                    INSERT INTO stream_usage VALUES ('s', 1, 0);
                    """, arguments: [Data(epoch(9).bytes), Data(epoch(1).bytes)])
            try DurableStreams.addDerivation(db)
            try DurableStreams.addTraces(db)
            try DurableStreams.addChecksums(db)
            try DurableStreams.addExports(db)
            guard case .batch(let batch)? = try entries(db).first?.content else {
                Issue.record("the entry is gone")
                return
            }
            #expect(
                batch
                    == StreamBatch(
                        payload: [42], origin: origin("a", 1, 2), receiveTime: 7, isReceiveTimeDoubtful: false
                    ))
        }
    }

    @Test func rowOffsetsArePackedInDifferences() {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<200 {
            var offsets: [UInt32] = []
            var next: UInt64 = 0
            for _ in 0..<Int.random(in: 0...50, using: &random) {
                next += UInt64.random(in: 1...(Bool.random(using: &random) ? 3 : 100_000_000), using: &random)
                if next <= UInt64(UInt32.max) { offsets.append(UInt32(next)) }
            }
            #expect(RowOffsets.unpacked(RowOffsets.packed(offsets)) == offsets)
        }
        #expect(RowOffsets.packed([0, 1, 200]) == [0, 1, 0xC7, 0x01])
        #expect(RowOffsets.unpacked([UInt8](repeating: 0xFF, count: 6)) == nil)
        #expect(RowOffsets.unpacked([0x80]) == nil)
        #expect(RowOffsets.unpacked([0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 1]) == nil)
    }

    @Test func outputsAreNamedByPathAndIndex() {
        #expect(DerivedOutput(path: "a", index: 0).key == "a#0")
        let chained = DerivedOutput(
            path: DerivedOutput(path: "smooth", index: 0).path(to: "alarm"), index: 65_535)
        #expect(chained.key == "smooth#0/alarm#65535")
        #expect(chained.instance == "alarm")
        #expect(chained.instances == ["smooth", "alarm"])
        #expect(DerivedOutput(key: chained.key) == chained)
        for text in ["", "a", "#1", "a#", "a#x", "a#-1"] { #expect(DerivedOutput(key: text) == nil) }
    }
}
