import Foundation
import GRDB
import HedgerowAPI
import Messaging
import RPCSupport
import StreamStore
import SwiftProtobuf

/// What waits, durably, for process components: per instance, in the order in which it came (semantics, section 2).
///
/// Every method runs inside a transaction of the caller's. What a message leads to and that it is done are written in
/// one: so that nothing is lost and nothing comes twice, whenever the program or the core ends.
struct StoredInbox {
    /// How much waits for an instance.
    struct Usage: Hashable, Sendable {
        /// Messages.
        var messages = 0
        /// Bytes of their batches.
        var bytes: Int64 = 0

        /// Whether there is room for more.
        func hasRoom(for messages: Int, _ bytes: Int) -> Bool {
            self.messages + messages <= InboxLimits.messages
                && self.bytes + Int64(bytes) <= InboxLimits.bytes
        }
    }

    /// An entry with its place.
    struct Stored: Sendable {
        /// Ascending; never used twice.
        let id: Int64
        /// The messages.
        let entry: InboxEntry
        /// How many of them are done, from the first on.
        let done: Int
    }

    private let db: Database

    init(_ db: Database) { self.db = db }

    static func createTables(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE inbox_entry (
                    id INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT NOT NULL, thing TEXT NOT NULL,
                    stream TEXT NOT NULL, epoch BLOB NOT NULL, output TEXT NOT NULL, passed INTEGER NOT NULL,
                    first_sequence INTEGER NOT NULL, offsets BLOB NOT NULL, received INTEGER NOT NULL,
                    is_doubtful INTEGER NOT NULL, done INTEGER NOT NULL, payload BLOB NOT NULL) STRICT;
                CREATE INDEX inbox_entry_instance ON inbox_entry (instance, id);
                CREATE TABLE inbox_usage (
                    instance TEXT PRIMARY KEY, messages INTEGER NOT NULL, bytes INTEGER NOT NULL)
                    STRICT, WITHOUT ROWID;
                """)
    }

    /// Adds messages at the end; the caller has asked for room.
    func append(_ entry: InboxEntry) throws {
        let payload: Data = try entry.batch.serializedBytes()
        let first = entry.sequences.first ?? 0
        let isRun = entry.sequences.last.map { $0 - first == UInt64(entry.sequences.count - 1) } ?? true
        var offsets = Data()
        if !isRun {
            for sequence in entry.sequences {
                withUnsafeBytes(of: UInt32(truncatingIfNeeded: sequence - first).littleEndian) {
                    offsets.append(contentsOf: $0)
                }
            }
        }
        try db.cachedStatement(
            sql: """
                INSERT INTO inbox_entry (instance, thing, stream, epoch, output, passed, first_sequence, offsets,
                    received, is_doubtful, done, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)
                """
        ).execute(arguments: [
            entry.instance, entry.source.thing, entry.source.stream, Data(entry.source.epoch.bytes),
            entry.source.output?.key ?? "", entry.source.passed, Int64(first), offsets, entry.receiveTime,
            entry.isReceiveTimeDoubtful, payload,
        ])
        try add(entry.batch.count, Int64(payload.count), to: entry.instance)
    }

    /// The oldest entry of an instance behind an id; nil where there is none.
    func next(of instance: String, after id: Int64) throws -> Stored? {
        let statement = try db.cachedStatement(
            sql: """
                SELECT id, thing, stream, epoch, output, passed, first_sequence, offsets, received, is_doubtful,
                    done, payload FROM inbox_entry WHERE instance = ? AND id > ? ORDER BY id LIMIT 1
                """)
        guard let row = try Row.fetchOne(statement, arguments: [instance, id]) else { return nil }
        let payload: Data = row[11]
        guard let batch = try? Batch(serializedBytes: payload) else { throw CorruptInbox(id: row[0]) }
        guard let epoch = Epoch(row[3] as Data) else { throw CorruptInbox(id: row[0]) }
        let output: String = row[4]
        let first = UInt64(row[6] as Int64)
        let offsets: Data = row[7]
        let sequences: [UInt64]
        if offsets.isEmpty {
            sequences = (0..<batch.count).map { first + UInt64($0) }
        } else {
            guard offsets.count == 4 * batch.count else { throw CorruptInbox(id: row[0]) }
            let bytes = [UInt8](offsets)
            sequences = stride(from: 0, to: bytes.count, by: 4).map { index in
                first + (0..<4).reduce(UInt64(0)) { $0 | UInt64(bytes[index + $1]) << UInt64(8 * $1) }
            }
        }
        return Stored(
            id: row[0],
            entry: InboxEntry(
                instance: instance,
                source: .init(
                    thing: row[1], stream: row[2], epoch: epoch,
                    output: output.isEmpty ? nil : DerivedOutput(key: output), passed: row[5]),
                batch: batch, sequences: sequences, receiveTime: row[8], isReceiveTimeDoubtful: row[9]),
            done: row[10])
    }

    /// Whether a message is the first of its entry that is not done; false where it is done, or the entry is gone.
    func isNext(_ row: Int, in id: Int64) throws -> Bool {
        let statement = try db.cachedStatement(sql: "SELECT done FROM inbox_entry WHERE id = ?")
        return try Int.fetchOne(statement, arguments: [id]) == row
    }

    /// Notes that one more message of an entry is done (``isNext(_:in:)``), and takes the entry out with the last one.
    ///
    /// - Parameters:
    ///   - row: which of its messages.
    ///   - count: how many it has.
    func finish(_ row: Int, of count: Int, in id: Int64, for instance: String) throws {
        guard row >= count - 1 else {
            try db.cachedStatement(sql: "UPDATE inbox_entry SET done = ? WHERE id = ?")
                .execute(arguments: [row + 1, id])
            return try add(-1, 0, to: instance)
        }
        try remove(id, messages: 1, of: instance)
    }

    /// Takes out an entry that cannot be read.
    func drop(_ id: Int64, of instance: String) throws {
        try remove(id, messages: 0, of: instance)
        // How many messages it had is not known: what is left is counted.
        try db.execute(
            sql: "UPDATE inbox_usage SET messages = 0 WHERE instance = ? AND bytes <= 0",
            arguments: [instance])
    }

    private func remove(_ id: Int64, messages: Int, of instance: String) throws {
        let size = try db.cachedStatement(sql: "SELECT length(payload) FROM inbox_entry WHERE id = ?")
        let bytes = try Int64.fetchOne(size, arguments: [id]) ?? 0
        try db.cachedStatement(sql: "DELETE FROM inbox_entry WHERE id = ?").execute(arguments: [id])
        try add(-messages, -bytes, to: instance)
    }

    /// How much waits for an instance.
    func usage(of instance: String) throws -> Usage {
        let statement = try db.cachedStatement(
            sql: "SELECT messages, bytes FROM inbox_usage WHERE instance = ?")
        guard let row = try Row.fetchOne(statement, arguments: [instance]) else { return Usage() }
        return Usage(messages: row[0], bytes: row[1])
    }

    /// Names of the instances for which something waits.
    func instances() throws -> [String: Usage] {
        let rows = try Row.fetchAll(
            db, sql: "SELECT instance, messages, bytes FROM inbox_usage WHERE messages > 0")
        return Dictionary(uniqueKeysWithValues: rows.map { ($0[0], Usage(messages: $0[1], bytes: $0[2])) })
    }

    /// Drops what waits for an instance.
    ///
    /// - Returns: how many messages that were.
    func removeAll(of instance: String) throws -> Int {
        let usage = try usage(of: instance)
        try db.cachedStatement(sql: "DELETE FROM inbox_entry WHERE instance = ?").execute(
            arguments: [instance])
        try db.cachedStatement(sql: "DELETE FROM inbox_usage WHERE instance = ?").execute(
            arguments: [instance])
        return usage.messages
    }

    /// Counts anew, after entries may have been lost.
    static func recount(_ db: Database) throws {
        try db.execute(sql: "DELETE FROM inbox_usage")
        let rows = try Row.fetchAll(db, sql: "SELECT id, instance, done, payload FROM inbox_entry")
        for row in rows {
            let payload: Data = row[3]
            guard let batch = try? Batch(serializedBytes: payload), batch.count > row[2] as Int else {
                try db.execute(sql: "DELETE FROM inbox_entry WHERE id = ?", arguments: [row[0] as Int64])
                continue
            }
            try StoredInbox(db).add(batch.count - (row[2] as Int), Int64(payload.count), to: row[1])
        }
    }

    private func add(_ messages: Int, _ bytes: Int64, to instance: String) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO inbox_usage VALUES (?, ?, ?) ON CONFLICT DO UPDATE
                SET messages = messages + excluded.messages, bytes = bytes + excluded.bytes
                """
        ).execute(arguments: [instance, messages, bytes])
    }
}

/// An entry that cannot be read back.
struct CorruptInbox: Error, CustomStringConvertible {
    let id: Int64
    var description: String { "entry \(id) of the inboxes is damaged" }
}
