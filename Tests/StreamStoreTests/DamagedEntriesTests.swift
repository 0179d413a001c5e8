import Foundation
import GRDB
import Logging
import Messaging
import TestSupport
import Testing

@testable import StreamStore

/// Rows that the disk damaged: never served, never in the way, and named as lost.
@Suite struct DamagedEntriesTests {
    private static let limits = StreamLimits(maximumBytes: 1 << 20, overwritesOldest: true)
    private static let own = 9 as UInt8

    private static func payload(_ number: UInt64) -> [UInt8] { [UInt8](repeating: UInt8(number), count: 40) }

    /// Appends batch `number` of thing `a`: messages `3n - 2` to `3n`.
    private static func append(_ db: Database, _ number: UInt64, thing: String = "a") throws {
        _ = try DurableStreams(db).append(
            StreamBatch(
                payload: payload(number), origin: origin(thing, 3 * number - 2, 3 * number),
                source: .init(component: "c", version: "1.0.0", revision: 4), receiveTime: 7,
                isReceiveTimeDoubtful: false, tracedSince: 8),
            count: 3, to: "s", epoch: epoch(own), limits: limits, overwrittenReason: 2)
    }

    private static func current(_ db: Database) throws -> StreamEpoch {
        try #require(try DurableStreams(db).epochs(of: "s", current: epoch(own)).last)
    }

    /// What is read, one line for each entry; a payload that was never stored fails the test.
    private static func read(
        _ db: Database, after: UInt64 = 0, limit: Int = .max, damage: StreamDamage? = nil
    ) throws -> [String] {
        try DurableStreams(db, damage: damage).entries(
            of: current(db), after: after, limit: limit, maximumBytes: .max
        ).map { entry in
            switch entry.content {
            case .batch(let batch):
                let number = (entry.positions.first + 2) / 3
                #expect(batch.payload == payload(number))
                #expect(batch.origin == origin("a", entry.positions.first, entry.positions.last))
                return "\(entry.positions)"
            case .lost(let reason, let origins):
                #expect(reason == DurableStreams.corruptedReason)
                let names = origins.map { "\($0.key.thing) \($0.range)" }.joined(separator: ", ")
                return "\(entry.positions) lost: \(names)"
            }
        }
    }

    /// A stream of five batches in which something is damaged.
    private static func withDamage(
        _ sql: String, _ body: @escaping @Sendable (Database) throws -> Void
    ) async throws {
        try await withStore { pool in
            try await pool.write { db in
                for number in UInt64(1)...5 { try append(db, number) }
                try db.execute(sql: sql)
                try body(db)
            }
        }
    }

    @Test func aDamagedPayloadIsLostWithItsOrigins() async throws {
        try await Self.withDamage("UPDATE stream_entry SET payload = x'01020304' WHERE id = 3") { db in
            let damage = StreamDamage(logger: quiet)
            let expected = ["1-3", "4-6", "7-9 lost: a 7-9", "10-12", "13-15"]
            for _ in 0..<2 {
                let lines = try Self.read(db, damage: damage)
                #expect(lines == expected)
            }
            #expect(damage.statistics == .init(places: 1, messages: 3))
        }
    }

    @Test(
        "damage in any column of a row makes its messages lost, with what lies between the neighbours' origins",
        arguments: [
            "epoch_id = 77", "first = 8", "last = 8", "last = 9000", "last = -1", "reason = 5",
            "receive_time = 8",
            "doubtful = 1", "thing = 'b'", "thing = NULL", "origin_epoch = zeroblob(16)",
            "origin_epoch = x'00'",
            "component = 'x#0'", "component = NULL", "origin_first = 6", "origin_last = 9000000",
            "origin_last = NULL",
            "row_offsets = x'FF'", "row_offsets = x'0001'", "source_component = NULL",
            "source_version = '2.0.0'",
            "source_revision = 5", "traced_since = NULL", "payload_checksum = NULL", "payload_checksum = 1",
            "header_checksum = 1",
        ])
    func aDamagedHeaderIsLost(_ change: String) async throws {
        try await Self.withDamage("UPDATE stream_entry SET \(change) WHERE id = 3") { db in
            let expected = ["1-3", "4-6", "7-9 lost: a 7-9", "10-12", "13-15"]
            #expect(try Self.read(db) == expected)
            // One at a time: nothing readable ends the stream before its end.
            var after: UInt64 = 0
            var singly: [String] = []
            while let entry = try DurableStreams(db).entries(
                of: Self.current(db), after: after, limit: 1, maximumBytes: 1
            ).first {
                singly += try Self.read(db, after: after, limit: 1)
                after = entry.positions.last
            }
            #expect(singly == expected)
        }
    }

    @Test(
        "missing rows are lost, wherever they were",
        arguments: [
            ("id = 3", ["1-3", "4-6", "7-9 lost: a 7-9", "10-12", "13-15"]),
            ("id IN (2, 3, 4)", ["1-3", "4-12 lost: a 4-12", "13-15"]),
            // Nobody is left who could say what they were.
            ("id = 1", ["1-3 lost: ", "4-6", "7-9", "10-12", "13-15"]),
            ("id >= 4", ["1-3", "4-6", "7-9", "10-15 lost: "]), ("true", ["1-15 lost: "]),
        ])
    func missingRows(_ condition: String, _ expected: [String]) async throws {
        try await Self.withDamage("DELETE FROM stream_entry WHERE \(condition)") { db in
            #expect(try Self.read(db) == expected)
            // The stream goes on: what is acknowledged is freed, and no gap.
            let streams = DurableStreams(db)
            try streams.acknowledge(try Self.current(db), through: 15)
            #expect(try Self.read(db) == [])
            try Self.append(db, 6)
            #expect(try Self.read(db, after: 15) == ["16-18"])
        }
    }

    @Test func whatTheReceiverHasTellsWhoseMessagesAreMissing() async throws {
        try await Self.withDamage("SELECT 1") { db in
            try DurableStreams(db).acknowledge(try Self.current(db), through: 6)
            try db.execute(sql: "DELETE FROM stream_entry WHERE id = 3")
            #expect(try Self.read(db, after: 6) == ["7-9 lost: a 7-9", "10-12", "13-15"])
            // Deleted because the receiver has it, and no loss.
            #expect(try Self.read(db, after: 2).first == "7-9 lost: a 7-9")
        }
    }

    @Test func publishersAreToldApart() async throws {
        try await withStore { pool in
            try await pool.write { db in
                for (number, thing) in [(1, "a"), (1, "b"), (2, "a"), (2, "b"), (3, "a"), (3, "b")] {
                    try Self.append(db, UInt64(number), thing: thing)
                }
                try db.execute(sql: "DELETE FROM stream_entry WHERE id IN (3, 4)")
                let entries = try DurableStreams(db).entries(
                    of: Self.current(db), after: 6, limit: 1, maximumBytes: .max)
                guard case .lost(_, let origins)? = entries.first?.content else {
                    Issue.record("no account: \(entries)")
                    return
                }
                #expect(origins == [origin("a", 4, 6), origin("b", 4, 6)])
            }
        }
    }

    @Test func rowsOfAnOlderVersionAreRead() async throws {
        try await Self.withDamage("UPDATE stream_entry SET header_checksum = NULL, payload_checksum = NULL") {
            db in
            #expect(try Self.read(db) == ["1-3", "4-6", "7-9", "10-12", "13-15"])
            // Offsets that cannot be read show by themselves.
            try db.execute(sql: "UPDATE stream_entry SET row_offsets = x'FF' WHERE id = 2")
            #expect(try Self.read(db) == ["1-3", "4-6 lost: a 4-6", "7-9", "10-12", "13-15"])
        }
    }

    @Test func damagedAccountsKeepTheirOriginsWhereThoseAreSound() async throws {
        try await withStore { pool in
            try await pool.write { db in
                let streams = DurableStreams(db)
                try Self.append(db, 1)
                for number in UInt64(4)...9 {
                    try streams.appendLost(
                        origin("a", number, number), reason: DurableStreams.corruptedReason, to: "s",
                        epoch: epoch(Self.own), now: 0)
                }
                try Self.append(db, 4)
                // The account has grown over several sequences, and its sums with it.
                #expect(try Self.read(db, limit: 2) == ["1-3", "4-9 lost: a 4-9"])
                try db.execute(sql: "UPDATE stream_entry SET last = 7 WHERE id = 2")
                let expected = try Self.read(db, limit: 2)
                #expect(expected.last?.hasPrefix("4-9 lost: a 4-9") == true, "\(expected)")
                try db.execute(sql: "UPDATE stream_lost_origin SET last = 1000000")
                try db.execute(sql: "UPDATE stream_entry SET last = 9 WHERE id = 2")
                #expect(try Self.read(db, limit: 2) == ["1-3", "4-9 lost: "])
            }
        }
    }

    @Test func aFullStreamOverwritesWhatIsDamagedToo() async throws {
        try await Self.withDamage(
            "UPDATE stream_entry SET origin_last = 9000000 WHERE id IN (1, 3); UPDATE stream_entry SET thing = NULL WHERE id = 2"
        ) { db in
            let streams = DurableStreams(db)
            let limits = StreamLimits(maximumBytes: 200, overwritesOldest: true)
            for number in UInt64(6)...10 {
                let outcome = try streams.append(
                    StreamBatch(
                        payload: Self.payload(number), origin: origin("a", 3 * number - 2, 3 * number),
                        receiveTime: 7, isReceiveTimeDoubtful: false), count: 3, to: "s",
                    epoch: epoch(Self.own),
                    limits: limits, overwrittenReason: DurableStreams.corruptedReason)
                guard case .stored = outcome else {
                    Issue.record("refused: \(outcome)")
                    return
                }
            }
            #expect(try streams.bytes(in: "s") <= 200)
            let lines = try Self.read(db)
            #expect(lines.first?.hasPrefix("1-9 lost") == true, "\(lines)")
            #expect(lines.last == "28-30")
        }
    }
}
