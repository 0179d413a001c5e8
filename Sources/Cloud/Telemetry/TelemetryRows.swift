import Foundation
import GRDB
import HedgerowAPI
import RPCSupport
import SwiftProtobuf

/// Rows of batches and counts, inside a transaction.
struct TelemetryRows {
    private let db: Database
    private let now: Int64

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
        try db.cachedStatement(sql: "UPDATE telemetry_total SET bytes = bytes + ?, batches = batches + 1")
            .execute(arguments: [bytes])
    }

    /// Adds to one of the counts `received`, `duplicates`, `rejected`.
    func count(_ column: Column, _ count: UInt64, thingID: Int64, stream: String) throws {
        guard count > 0 else { return }
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
        let select = try db.cachedStatement(sql: "SELECT id FROM \(table) WHERE name = ?")
        if let id = try Int64.fetchOne(select, arguments: [name]) { return id }
        try db.cachedStatement(sql: "INSERT INTO \(table) (name) VALUES (?)").execute(arguments: [name])
        return db.lastInsertedRowID
    }
}
