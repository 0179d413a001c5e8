import Foundation
import GRDB
import HedgerowAPI
import RPCSupport
import SwiftProtobuf

/// Rows of batches and counts, inside a transaction. Counts are written by ``flush()``, at its end.
struct TelemetryRows {
    /// What is known and what is to be written.
    private final class Pending {
        var ids: [String: [String: Int64]] = [:]
        var counts: [Count: UInt64] = [:]
        var bytes = 0
        var batches = 0
        /// Everything that was counted, written or not.
        var totals = LedgerCounts()
    }

    private struct Count: Hashable {
        let column: Column
        let thingID: Int64
        let stream: String
    }

    private let db: Database
    private let now: Int64
    private let pending = Pending()

    init(_ db: Database, now: Int64) {
        self.db = db
        self.now = now
    }

    /// The UTC day of storing, `YYYY-MM-DD`.
    var day: String { UTCDay.text(of: now) }

    func thingID(_ name: String) throws -> Int64 { try id(in: "telemetry_thing", name) }

    /// Stores one batch; `detail` is a record without its message.
    func insert(
        batch encoded: Data, detail: MessageRecord, topic: String, thingID: Int64, count: Int,
        span: ClosedRange<Int64>
    ) throws {
        let detailBytes: Data = try detail.serializedBytes()
        let bytes = encoded.count + detailBytes.count
        try db.cachedStatement(
            sql: """
                INSERT INTO telemetry_batch
                    (thing_id, topic_id, first_time, last_time, store_time, count, bytes, detail, payload)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(
            arguments: [
                thingID, try id(in: "telemetry_topic", topic), span.lowerBound, span.upperBound, now, count,
                bytes,
                detailBytes, encoded,
            ])
        pending.bytes += bytes
        pending.batches += 1
    }

    /// Adds to one of the counts `received`, `duplicates`, `rejected`.
    func count(_ column: Column, _ count: UInt64, thingID: Int64, stream: String) {
        guard count > 0 else { return }
        // Publishers name the sequences, so that a hostile one could count far.
        let key = Count(column: column, thingID: thingID, stream: stream)
        let (sum, isTooLarge) = pending.counts[key, default: 0].addingReportingOverflow(count)
        pending.counts[key] = isTooLarge ? .max : sum
    }

    /// Everything that was counted and written by ``flush()``, and what was declared lost.
    var totals: LedgerCounts { pending.totals }

    /// Writes the counts.
    func flush() throws {
        for (key, count) in pending.counts {
            try write(key.column, count, key.thingID, key.stream)
            pending.totals.add(count, to: key.column)
        }
        pending.counts = [:]
        guard pending.batches > 0 else { return }
        try db.cachedStatement(sql: "UPDATE telemetry_total SET bytes = bytes + ?, batches = batches + ?")
            .execute(arguments: [pending.bytes, pending.batches])
        (pending.bytes, pending.batches) = (0, 0)
    }

    private func write(_ column: Column, _ count: UInt64, _ thingID: Int64, _ stream: String) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO telemetry_day (thing_id, day, stream, \(column.rawValue)) VALUES (?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET \(column.rawValue) = \(Self.sum(column.rawValue))
                """
        ).execute(arguments: [thingID, day, stream, Int64(clamping: count)])
    }

    /// Adds to (or, below 0, takes from) the count of one reason of loss.
    func countLost(_ count: Int64, reason: Int, thingID: Int64, stream: String, day: String) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO telemetry_day_lost (thing_id, day, stream, reason, count) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET count = \(Self.sum("count"))
                """
        ).execute(arguments: [thingID, day, stream, reason, count])
        pending.totals.addLost(count, reason: reason)
    }

    /// A sum that stays at the largest integer: SQLite would turn it into a real number, which no longer reads
    /// as a count. Publishers name the ranges, so that a hostile one gets there with two of them.
    private static func sum(_ column: String) -> String {
        """
        CASE WHEN excluded.\(column) > 0 AND \(column) > 9223372036854775807 - excluded.\(column)
            THEN 9223372036854775807 ELSE \(column) + excluded.\(column) END
        """
    }

    /// The counts of a day.
    enum Column: String {
        case received, duplicates, rejected
    }

    private func id(in table: String, _ name: String) throws -> Int64 {
        if let known = pending.ids[table]?[name] { return known }
        let select = try db.cachedStatement(sql: "SELECT id FROM \(table) WHERE name = ?")
        var id = try Int64.fetchOne(select, arguments: [name])
        if id == nil {
            try db.cachedStatement(sql: "INSERT INTO \(table) (name) VALUES (?)").execute(arguments: [name])
            id = db.lastInsertedRowID
        }
        pending.ids[table, default: [:]][name] = id
        return id ?? db.lastInsertedRowID
    }
}
