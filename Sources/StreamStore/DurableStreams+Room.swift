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
        var removed = StreamDeletion()
        while removed.bytes < bytes {
            let oldest = try oldestBatches(of: stream)
            guard !oldest.isEmpty else { break }
            for batch in oldest where removed.bytes < bytes {
                try remove(batch, reason: reason, stream: stream, into: &removed)
            }
        }
        try addUsage(-removed.bytes, stream)
        return removed.messages
    }

    /// A batch without its payload.
    struct StoredBatch {
        let id: Int64
        let epochID: Int64
        let positions: SequenceRange
        let bytes: Int64
        let receiveTime: Int64
        let isReceiveTimeDoubtful: Bool
        let origin: StreamEntry.OriginRange
        /// Whether the cloud is still to have it.
        let isOwedToCloud: Bool
    }

    private func oldestBatches(of stream: String) throws -> [StoredBatch] {
        // Epoch by epoch: a join would sort the whole stream to find its oldest.
        for epoch in try storedEpochs(of: stream) {
            let batches = try oldestBatches(of: epoch, stream: stream, limit: 64)
            if !batches.isEmpty { return batches }
        }
        return []
    }

    /// The oldest batches of an epoch, at most so many, none only where none is left.
    func oldestBatches(of epoch: StoredEpoch, stream: String, limit: Int) throws -> [StoredBatch] {
        let select = try db.cachedStatement(
            sql: """
                SELECT \(StoredEntry.columns), length(payload)
                FROM stream_entry WHERE epoch_id = ? AND reason IS NULL ORDER BY first LIMIT ?
                """)
        var batches: [StoredBatch] = []
        var damaged: [Int64] = []
        let rows = try Row.fetchCursor(select, arguments: [epoch.id, limit])
        while let row = try rows.next() {
            guard let entry = StoredEntry(row), let positions = entry.positions, var origin = entry.origin
            else {
                damaged.append(row.integer(0) ?? 0)
                continue
            }
            let range = origin.range
            // What a component's steps dropped beside its messages is not lost with them.
            if origin.rowOffsets.isEmpty, !origin.key.component.isEmpty, range.count > positions.count,
                range.count <= UInt64(UInt32.max)
            {
                origin.rowOffsets = (range.count - positions.count..<range.count).map { UInt32($0) }
            }
            batches.append(
                StoredBatch(
                    id: entry.id, epochID: epoch.id, positions: positions,
                    bytes: row.integer(StoredEntry.columnCount) ?? 0, receiveTime: entry.receiveTime,
                    isReceiveTimeDoubtful: entry.doubtful == 1, origin: origin,
                    isOwedToCloud: positions.last > epoch.acknowledged
                        && positions.first <= epoch.cloudUntil ?? .max))
        }
        // Nobody can read them; the gap that they leave is told as a loss like any other.
        for id in damaged {
            let size = try Int64.fetchOne(
                db, sql: "DELETE FROM stream_entry WHERE id = ? RETURNING length(payload)", arguments: [id])
            try addUsage(-(size ?? 0), stream)
        }
        if batches.isEmpty, !damaged.isEmpty {
            return try oldestBatches(of: epoch, stream: stream, limit: limit)
        }
        return batches
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
                    SELECT \(StoredEntry.columns) FROM stream_entry WHERE epoch_id = ?1 AND first < ?2
                        AND last > (SELECT acknowledged FROM stream_epoch WHERE id = ?1)
                    ORDER BY first DESC LIMIT 1
                    """), arguments: [epochID, Int64(positions.first)]
        ).flatMap { StoredEntry($0) }
        guard var before, before.last == Int64(positions.first) - 1, before.reason == Int64(reason),
            try join(origin, toAccount: before.id)
        else {
            try insertLost(
                positions, epochID: epochID, stream: stream, reason: reason, origin: origin,
                receiveTime: receiveTime)
            return
        }
        before.last = Int64(positions.last)
        try db.cachedStatement(sql: "UPDATE stream_entry SET last = ?, header_checksum = ? WHERE id = ?")
            .execute(arguments: [before.last, before.sum, before.id])
    }

    /// Adds origins to an account; false where it has too many already.
    private func join(_ origin: StreamEntry.OriginRange, toAccount id: Int64) throws -> Bool {
        // The origins of consecutive batches of one thing follow each other: one run grows.
        if origin.rowOffsets.isEmpty {
            let run = try Row.fetchOne(
                db.cachedStatement(
                    sql: """
                        SELECT rowid, first FROM stream_lost_origin
                        WHERE entry_id = ? AND thing = ? AND epoch = ? AND component = ? AND last = ?
                            AND row_offsets IS NULL LIMIT 1
                        """),
                arguments: [
                    id, origin.key.thing, Data(origin.key.epoch.bytes), origin.key.component,
                    Int64(origin.range.first) - 1,
                ])
            if let run, let whole = SequenceRange(stored: run.integer(1), Int64(origin.range.last)) {
                try db.cachedStatement(
                    sql: "UPDATE stream_lost_origin SET last = ?, checksum = ? WHERE rowid = ?"
                ).execute(
                    arguments: [
                        Int64(whole.last),
                        Self.sum(of: .init(key: origin.key, range: whole), entryID: id), run.integer(0),
                    ])
                return true
            }
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
