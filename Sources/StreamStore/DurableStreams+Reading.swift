import Foundation
import GRDB
import Messaging

extension DurableStreams {
    // MARK: Sending

    /// Entries of an epoch behind a sequence, in order; at most so many and, after the first, so many bytes.
    ///
    /// The first one may begin at or before that sequence: an account grows while it is on its way, and what
    /// the receiver has of it is a repeat.
    public func entries(
        of epoch: StreamEpoch, after sequence: UInt64, limit: Int, maximumBytes: Int
    ) throws -> [StreamEntry] {
        let statement = try db.cachedStatement(
            sql: """
                SELECT id, first, last, reason, receive_time, doubtful, thing, origin_epoch, component, origin_first,
                    origin_last, payload, row_offsets, source_component, source_version, source_revision, traced_since
                FROM stream_entry WHERE epoch_id = ?1 AND last > ?2 AND first >= ifnull(
                    (SELECT max(first) FROM stream_entry WHERE epoch_id = ?1 AND first <= ?2), 0)
                ORDER BY first LIMIT ?3
                """)
        let rows = try Row.fetchCursor(statement, arguments: [epoch.id, Int64(sequence), limit])
        var entries: [StreamEntry] = []
        var bytes = 0
        while let row = try rows.next() {
            guard let entry = try entry(row) else { continue }
            bytes += entry.bytes
            if !entries.isEmpty, bytes > maximumBytes { break }
            entries.append(entry)
        }
        return entries
    }

    private func entry(_ row: Row) throws -> StreamEntry? {
        guard let positions = SequenceRange(UInt64(row[1] as Int64), UInt64(row[2] as Int64)) else {
            return nil
        }
        if let reason: Int = row[3] {
            return StreamEntry(
                positions: positions, content: .lost(reason: reason, origins: try lostOrigins(of: row[0])))
        }
        guard let key = Self.key(row, at: 6),
            let range = SequenceRange(UInt64(row[9] as Int64), UInt64(row[10] as Int64))
        else { return nil }
        return StreamEntry(
            positions: positions,
            content: .batch(
                StreamBatch(
                    payload: [UInt8](row[11] as Data),
                    origin: .init(
                        key: key, range: range, rowOffsets: try RowOffsets.read(row[12] as Data?)),
                    source: Self.source(row, at: 13),
                    receiveTime: row[4], isReceiveTimeDoubtful: row[5] as Int == 1,
                    tracedSince: row[16])))
    }

    private static func source(_ row: Row, at index: Int) -> StreamBatch.Source? {
        guard let component: String = row[index] else { return nil }
        return StreamBatch.Source(
            component: component, version: row[index + 1] ?? "",
            revision: UInt64(clamping: row[index + 2] as Int64? ?? 0))
    }

    func lostOrigins(of entryID: Int64) throws -> [StreamEntry.OriginRange] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT thing, epoch, component, first, last, row_offsets FROM stream_lost_origin WHERE entry_id = ?
                """, arguments: [entryID]
        ).compactMap { row in
            guard let key = Self.key(row, at: 0),
                let range = SequenceRange(UInt64(row[3] as Int64), UInt64(row[4] as Int64))
            else { return nil }
            return .init(key: key, range: range, rowOffsets: try RowOffsets.read(row[5] as Data?))
        }
    }
}
