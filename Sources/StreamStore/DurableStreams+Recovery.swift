import Foundation
public import GRDB
import Messaging

extension DurableStreams {
    /// Tables that hold as much as streams do; see ``DurableDatabase``.
    public static let bulkTables: Set<String> = ["stream_entry", "stream_lost_origin", "stream_exported"]
    /// Tables that do not mind an older row; see ``DatabaseRecovery/strayTables``.
    public static let strayTables: Set<String> = [
        "stream_epoch", "stream_entry", "stream_lost_origin", "stream_exported", "stream_cursor",
    ]

    private static let lastEntry = """
        (SELECT last FROM stream_entry WHERE epoch_id = e.id ORDER BY first DESC LIMIT 1)
        """

    /// Looks for epochs that contradict their entries. Costs a few look-ups for each epoch.
    ///
    /// - Throws: `SQLITE_CORRUPT` where one does.
    public static func verify(_ db: Database) throws {
        let isAnyWrong = try Bool.fetchOne(
            db,
            sql: """
                SELECT EXISTS (SELECT 1 FROM stream_epoch e
                    WHERE length(epoch) <> 16 OR next < 1 OR acknowledged NOT BETWEEN 0 AND next - 1
                        OR \(lastEntry) >= next)
                """)
        var known = Set(try Int64.fetchAll(db, sql: "SELECT id FROM stream_epoch"))
        known.insert(0)
        var id: Int64? = try Int64.fetchOne(db, sql: "SELECT min(epoch_id) FROM stream_entry")
        while let next = id, known.contains(next) {
            id = try Int64.fetchOne(
                db, sql: "SELECT min(epoch_id) FROM stream_entry WHERE epoch_id > ?", arguments: [next])
        }
        if isAnyWrong != false || id != nil {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "its streams contradict themselves")
        }
    }

    /// Puts right what must fit together, after rows were lost.
    ///
    /// Rows that are not as they were written go; what is missing then is told as lost when it is read. Batches whose
    /// epoch is gone come under one of their own, in the given stream: what the receiver has of them already it knows
    /// by their origins.
    ///
    /// - Parameter stream: The stream that takes what belongs to none.
    public static func repair(_ db: Database, unownedTo stream: String) throws {
        let rows = try Row.fetchCursor(db, sql: "SELECT \(StoredEntry.columns) FROM stream_entry")
        var unsound: [Int64] = []
        while let row = try rows.next() {
            if StoredEntry(row) == nil, let id = row.integer(0) { unsound.append(id) }
        }
        for id in unsound { try db.execute(sql: "DELETE FROM stream_entry WHERE id = ?", arguments: [id]) }
        try db.execute(
            sql: "DELETE FROM stream_epoch WHERE length(epoch) <> 16 OR next < 1 OR acknowledged < 0")
        let unowned = try Int64.fetchAll(
            db,
            sql: """
                SELECT DISTINCT epoch_id FROM stream_entry WHERE epoch_id NOT IN (SELECT id FROM stream_epoch)
                ORDER BY epoch_id
                """)
        for id in unowned {
            try db.execute(
                sql: """
                    INSERT INTO stream_epoch (id, stream, epoch, next, acknowledged)
                    SELECT ?1, ?2, ?3, max(last) + 1, min(first) - 1 FROM stream_entry WHERE epoch_id = ?1
                    """, arguments: [id, stream, Data(Epoch.random().bytes)])
        }
        try db.execute(
            sql: """
                UPDATE stream_epoch AS e SET next = max(next, acknowledged + 1, ifnull(\(lastEntry), 0) + 1);
                DELETE FROM stream_entry WHERE id IN (
                    SELECT s.id FROM stream_entry s JOIN stream_epoch e ON e.id = s.epoch_id
                    WHERE s.last <= e.acknowledged AND e.id NOT IN (SELECT epoch_id FROM stream_cursor));
                DELETE FROM stream_lost_origin WHERE entry_id NOT IN (
                    SELECT id FROM stream_entry WHERE reason IS NOT NULL);
                DELETE FROM stream_exported WHERE epoch_id NOT IN (SELECT id FROM stream_epoch);
                DELETE FROM stream_cursor WHERE epoch_id NOT IN (SELECT id FROM stream_epoch);
                DELETE FROM stream_usage;
                INSERT INTO stream_usage (stream, bytes, accounts)
                    SELECT e.stream, sum(ifnull(length(s.payload), 0)), count(s.reason)
                    FROM stream_entry s JOIN stream_epoch e ON e.id = s.epoch_id GROUP BY e.stream;
                """)
    }
}
