import Foundation
import GRDB
import Messaging

extension DurableStreams {
    /// Overwrites the oldest batches of a stream until so many bytes are free; each run of them becomes one
    /// account of lost messages at the same sequences, in the same transaction. The account names all origins
    /// that a batch covered, those included that no route led to the receiver.
    ///
    /// - Returns: How many messages were overwritten.
    func overwrite(atLeast bytes: Int64, in stream: String, reason: Int) throws -> UInt64 {
        var freed: Int64 = 0
        var count: UInt64 = 0
        while freed < bytes {
            let oldest = try oldestBatches(of: stream)
            guard !oldest.isEmpty else { break }
            for batch in oldest where freed < bytes {
                try db.cachedStatement(sql: "DELETE FROM stream_entry WHERE id = ?").execute(arguments: [
                    batch.id
                ])
                try account(
                    for: batch.positions, origin: batch.origin, reason: reason,
                    receiveTime: batch.receiveTime,
                    epochID: batch.epochID, stream: stream)
                freed += batch.bytes
                count += batch.positions.count
            }
        }
        try addUsage(-freed, stream)
        return count
    }

    private struct StoredBatch {
        let id: Int64
        let epochID: Int64
        let positions: SequenceRange
        let bytes: Int64
        let receiveTime: Int64
        let origin: StreamEntry.OriginRange
    }

    private func oldestBatches(of stream: String) throws -> [StoredBatch] {
        // Epoch by epoch: a join would sort the whole stream to find its oldest.
        let epochs = try Int64.fetchAll(
            db.cachedStatement(sql: "SELECT id FROM stream_epoch WHERE stream = ? ORDER BY id"),
            arguments: [stream])
        let select = try db.cachedStatement(
            sql: """
                SELECT id, first, last, bytes, receive_time, thing, origin_epoch, component, origin_first,
                    origin_last, row_offsets
                FROM stream_entry WHERE epoch_id = ? AND reason IS NULL ORDER BY first LIMIT 64
                """)
        for epochID in epochs {
            let batches = try Row.fetchAll(select, arguments: [epochID]).compactMap { row -> StoredBatch? in
                var offsets = try RowOffsets.read(row[10] as Data?)
                guard let positions = SequenceRange(UInt64(row[1] as Int64), UInt64(row[2] as Int64)),
                    let key = Self.key(row, at: 5),
                    let range = SequenceRange(UInt64(row[8] as Int64), UInt64(row[9] as Int64))
                else { return nil }
                // What a component's steps dropped beside its messages is not lost with them.
                if offsets.isEmpty, !key.component.isEmpty, range.count > positions.count,
                    range.count <= UInt64(UInt32.max)
                {
                    offsets = (range.count - positions.count..<range.count).map { UInt32($0) }
                }
                return StoredBatch(
                    id: row[0], epochID: epochID, positions: positions, bytes: row[3], receiveTime: row[4],
                    origin: .init(key: key, range: range, rowOffsets: offsets))
            }
            if !batches.isEmpty { return batches }
        }
        return []
    }

    /// Enters the account of sequences that will never be sent; it joins the one right before it where that has
    /// the same reason.
    func account(
        for positions: SequenceRange, origin: StreamEntry.OriginRange, reason: Int, receiveTime: Int64,
        epochID: Int64, stream: String
    ) throws {
        let before = try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT id, last, reason FROM stream_entry WHERE epoch_id = ? AND first < ?
                    ORDER BY first DESC LIMIT 1
                    """), arguments: [epochID, Int64(positions.first)])
        guard let before, before[1] as Int64 == Int64(positions.first) - 1, before[2] as Int? == reason,
            try join(origin, toAccount: before[0])
        else {
            try insertLost(
                positions, epochID: epochID, stream: stream, reason: reason, origin: origin,
                receiveTime: receiveTime)
            return
        }
        try db.cachedStatement(sql: "UPDATE stream_entry SET last = ? WHERE id = ?")
            .execute(arguments: [Int64(positions.last), before[0] as Int64])
    }

    /// Adds origins to an account; false where it has too many already.
    private func join(_ origin: StreamEntry.OriginRange, toAccount id: Int64) throws -> Bool {
        // The origins of consecutive batches of one thing follow each other: one run grows.
        if origin.rowOffsets.isEmpty {
            try db.cachedStatement(
                sql: """
                    UPDATE stream_lost_origin SET last = ?
                    WHERE entry_id = ? AND thing = ? AND epoch = ? AND component = ? AND last = ?
                        AND row_offsets IS NULL
                    """
            ).execute(
                arguments: [
                    Int64(origin.range.last), id, origin.key.thing, Data(origin.key.epoch.bytes),
                    origin.key.component,
                    Int64(origin.range.first) - 1,
                ])
            if db.changesCount > 0 { return true }
        }
        let count = try Int.fetchOne(
            db.cachedStatement(sql: "SELECT count(*) FROM stream_lost_origin WHERE entry_id = ?"),
            arguments: [id])
        let limit = origin.rowOffsets.isEmpty ? Self.maximumOrigins : Self.maximumSparseOrigins
        guard let count, count < limit else { return false }
        try insert(origin, entryID: id)
        return true
    }
}
