import Foundation
public import GRDB
import Messaging

// Exports besides the cloud.
//
// `stream_export` has one row for each export of a stream; a stream without rows goes to the cloud alone.
// `stream_cursor` has, for each epoch and each export but the cloud, the last sequence that the export has; the
// cloud's own is `stream_epoch.acknowledged`, so that a stream that goes to the cloud alone costs nothing more. An entry
// stays until every export of its stream has it; a cursor of `Int64.max` belongs to an export that was removed and
// whose space is not free yet. `stream_epoch.cloud_until` is the last sequence of an epoch that the cloud gets: 0 in a
// stream that does not go there, and where the cloud was taken out of the exports later, what had been appended until
// then. Entries may lie at or below `acknowledged` and behind `cloud_until`; there, and only there, sequences may be
// missing, because what is taken out does not concern the cloud.

extension DurableStreams {
    /// Name of the export to the cloud.
    public static let cloudExport = "cloud"

    /// Adds the exports' tables to those of ``createTables(_:)``.
    public static func addExports(_ db: Database) throws {
        try db.execute(
            sql: """
                ALTER TABLE stream_epoch ADD COLUMN cloud_until INTEGER;
                ALTER TABLE stream_epoch ADD COLUMN doubtful_through INTEGER NOT NULL DEFAULT 0;
                CREATE INDEX stream_entry_account ON stream_entry (epoch_id, first, last) WHERE reason IS NOT NULL;
                CREATE TABLE stream_export (
                    stream TEXT NOT NULL, name TEXT NOT NULL, target BLOB NOT NULL, paused INTEGER NOT NULL DEFAULT 0,
                    last_time INTEGER, last_error TEXT, error_time INTEGER, exported INTEGER NOT NULL DEFAULT 0,
                    lost INTEGER NOT NULL DEFAULT 0, checkpoint BLOB,
                    PRIMARY KEY (stream, name)) STRICT, WITHOUT ROWID;
                CREATE TABLE stream_cursor (
                    epoch_id INTEGER NOT NULL, export TEXT NOT NULL, acknowledged INTEGER NOT NULL,
                    PRIMARY KEY (epoch_id, export)) STRICT, WITHOUT ROWID;
                """)
    }

    // MARK: Which there are

    /// The exports of a stream, the cloud first.
    public func exports(of stream: String) throws -> [StreamExportState] {
        let statement = try db.cachedStatement(
            sql: "\(Self.selectExport) WHERE stream = ? ORDER BY name <> '\(Self.cloudExport)', name")
        let states = try Row.fetchAll(statement, arguments: [stream]).map(Self.exportState)
        return states.isEmpty ? [Self.cloudAlone(stream)] : states
    }

    /// All exports that are declared, of all streams.
    public func allExports() throws -> [StreamExportState] {
        try Row.fetchAll(db, sql: "\(Self.selectExport) ORDER BY stream, name").map(Self.exportState)
    }

    /// Makes these the exports of a stream. One that is new begins at the oldest that is there. One that is gone holds
    /// nothing any more; what the stream held for the cloud when that was taken out still goes there.
    ///
    /// - Parameters:
    ///   - exports: All that the stream is to have, with names of their own.
    ///   - gap: The number on the wire of the reason for sequences that the cloud, where it is new, cannot get any more.
    ///   - now: Microseconds since 1970.
    public func setExports(
        _ exports: [ExportDeclaration], of stream: String, gap: Int, now: Int64
    ) throws {
        let before = try self.exports(of: stream)
        let (was, will) = (Set(before.map(\.name)), Set(exports.map(\.name)))
        for export in exports {
            try db.execute(
                sql: """
                    INSERT INTO stream_export (stream, name, target) VALUES (?, ?, ?)
                    ON CONFLICT DO UPDATE SET target = excluded.target
                    """, arguments: [stream, export.name, Data(export.target)])
        }
        guard was != will else { return }
        let epochs = try storedEpochs(of: stream)
        for name in was.subtracting(will) {
            try db.execute(
                sql: "DELETE FROM stream_export WHERE stream = ? AND name = ?", arguments: [stream, name])
            if name == Self.cloudExport {
                try db.execute(
                    sql:
                        "UPDATE stream_epoch SET cloud_until = next - 1 WHERE stream = ? AND cloud_until IS NULL",
                    arguments: [stream])
            } else {
                try db.execute(
                    sql: """
                        UPDATE stream_cursor SET acknowledged = ? WHERE export = ? AND epoch_id IN (
                            SELECT id FROM stream_epoch WHERE stream = ?)
                        """, arguments: [Int64.max, name, stream])
            }
        }
        for name in will.subtracting(was) {
            for epoch in epochs {
                if name == Self.cloudExport {
                    try admitCloud(to: epoch, stream: stream, gap: gap, now: now)
                } else {
                    try db.execute(
                        sql: """
                            INSERT OR REPLACE INTO stream_cursor VALUES (?1, ?2, ifnull(
                                (SELECT min(first) FROM stream_entry WHERE epoch_id = ?1), ?3) - 1)
                            """, arguments: [epoch.id, name, Int64(epoch.next)])
                }
            }
        }
    }

    /// The cloud gets an epoch that it did not get before: what is gone of it is accounted for, as the sequences of
    /// a session have no gaps.
    private func admitCloud(to epoch: StoredEpoch, stream: String, gap: Int, now: Int64) throws {
        guard let until = epoch.cloudUntil else { return }
        let had = max(until, epoch.acknowledged)
        let oldest = try Int64.fetchOne(
            db, sql: "SELECT min(first) FROM stream_entry WHERE epoch_id = ? AND first > ?",
            arguments: [epoch.id, Int64(had)])
        if let gone = SequenceRange(had + 1, (oldest.map { UInt64($0) } ?? epoch.next) - 1) {
            try StoredEntry(accountFor: gone, reason: gap, receiveTime: now, epochID: epoch.id)
                .insert(db, payload: nil)
            try addUsage(0, accounts: 1, stream)
        }
        try db.execute(
            sql: "UPDATE stream_epoch SET cloud_until = NULL WHERE id = ?", arguments: [epoch.id])
    }

    /// Gives a new epoch what it needs for the exports of its stream.
    func addCursors(to epochID: Int64, stream: String) throws {
        let statement = try db.cachedStatement(sql: "SELECT name FROM stream_export WHERE stream = ?")
        let names = try String.fetchAll(statement, arguments: [stream])
        guard !names.isEmpty else { return }
        for name in names where name != Self.cloudExport {
            try db.execute(
                sql: "INSERT INTO stream_cursor VALUES (?, ?, 0)", arguments: [epochID, name])
        }
        guard !names.contains(Self.cloudExport) else { return }
        try db.execute(sql: "UPDATE stream_epoch SET cloud_until = 0 WHERE id = ?", arguments: [epochID])
    }

    // MARK: How far they are

    /// What an export is to take next; nil where the stream has no such export.
    ///
    /// - Parameters:
    ///   - limit: Most entries.
    ///   - maximumBytes: Most bytes of payload, after the first entry.
    public func next(
        for export: String, of stream: String, limit: Int, maximumBytes: Int
    ) throws -> ExportSection? {
        let select = try db.cachedStatement(sql: "\(Self.selectExport) WHERE stream = ? AND name = ?")
        guard let state = try Row.fetchOne(select, arguments: [stream, export]).map(Self.exportState) else {
            return nil
        }
        let cursors = try db.cachedStatement(
            sql: """
                SELECT e.id, c.acknowledged FROM stream_epoch e
                JOIN stream_cursor c ON c.epoch_id = e.id AND c.export = ?2 WHERE e.stream = ?1 ORDER BY e.id
                """)
        for row in try Row.fetchAll(cursors, arguments: [stream, export]) {
            guard let id = row.integer(0), let cursor = row.integer(1) else { continue }
            let acknowledged = UInt64(clamping: cursor)
            let entries = try entries(
                epochID: id, after: acknowledged, limit: limit, maximumBytes: maximumBytes, forCloud: false)
            if !entries.isEmpty {
                return ExportSection(state: state, epochID: id, acknowledged: acknowledged, entries: entries)
            }
        }
        return ExportSection(state: state, epochID: 0, acknowledged: 0, entries: [])
    }

    /// An export other than the cloud has everything up to a sequence: its checkpoint moves, and space that nobody
    /// needs any more is free.
    ///
    /// - Parameter now: Microseconds since 1970.
    public func acknowledge(
        _ progress: ExportProgress, by export: String, of stream: String, now: Int64
    ) throws {
        try db.cachedStatement(
            sql: """
                UPDATE stream_cursor SET acknowledged = max(acknowledged, ?) WHERE epoch_id = ? AND export = ?
                """
        ).execute(arguments: [Int64(clamping: progress.through), progress.epochID, export])
        try db.cachedStatement(
            sql: """
                UPDATE stream_export SET last_time = ?, last_error = NULL, exported = exported + ?, lost = lost + ?,
                    checkpoint = ? WHERE stream = ? AND name = ?
                """
        ).execute(
            arguments: [
                now, Int64(clamping: progress.exported), Int64(clamping: progress.lost),
                progress.checkpoint.map { Data($0) }, stream, export,
            ])
        try trim(progress.epochID, of: stream)
    }

    /// Keeps what an export must remember, without moving its place in the stream.
    public func setCheckpoint(_ checkpoint: [UInt8]?, of export: String, stream: String) throws {
        try db.cachedStatement(sql: "UPDATE stream_export SET checkpoint = ? WHERE stream = ? AND name = ?")
            .execute(arguments: [checkpoint.map { Data($0) }, stream, export])
    }

    /// Keeps why an export failed; nil where it works again.
    public func setError(_ error: String?, of export: String, stream: String, now: Int64) throws {
        try db.cachedStatement(
            sql: """
                UPDATE stream_export SET last_error = ?1, error_time = CASE WHEN ?1 IS NULL THEN error_time ELSE ?2 END
                WHERE stream = ?3 AND name = ?4
                """
        ).execute(arguments: [error, now, stream, export])
    }

    /// Tells an export to wait, or to go on. The cloud can be told so in every stream.
    ///
    /// - Returns: False where the stream has no such export.
    public func setPaused(_ isPaused: Bool, export: String, of stream: String) throws -> Bool {
        if export == Self.cloudExport, try exports(of: stream).map(\.name) == [Self.cloudExport] {
            try db.execute(
                sql: "INSERT OR IGNORE INTO stream_export (stream, name, target) VALUES (?, ?, x'')",
                arguments: [stream, export])
        }
        try db.execute(
            sql: "UPDATE stream_export SET paused = ? WHERE stream = ? AND name = ?",
            arguments: [isPaused ? 1 : 0, stream, export])
        return db.changesCount > 0
    }

    // MARK: Parts

    private static let selectExport = """
        SELECT stream, name, target, paused, last_time, last_error, error_time, exported, lost, checkpoint
        FROM stream_export
        """

    private static func exportState(_ row: Row) -> StreamExportState {
        StreamExportState(
            stream: row[0], name: row[1], target: [UInt8](row[2] as Data), isPaused: row[3] as Int == 1,
            lastTime: row[4], lastError: row[5], errorTime: row[6], exported: UInt64(row[7] as Int64),
            lost: UInt64(row[8] as Int64), checkpoint: (row[9] as Data?).map { [UInt8]($0) })
    }

    private static func cloudAlone(_ stream: String) -> StreamExportState {
        StreamExportState(
            stream: stream, name: cloudExport, target: [], isPaused: false, lastTime: nil, lastError: nil,
            errorTime: nil, exported: 0, lost: 0, checkpoint: nil)
    }
}
