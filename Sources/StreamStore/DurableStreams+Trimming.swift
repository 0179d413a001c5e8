import GRDB
import Messaging

extension DurableStreams {
    /// Whether exports besides the cloud may still need entries of an epoch.
    func isShared(_ epochID: Int64) throws -> Bool {
        let statement = try db.cachedStatement(
            sql: "SELECT EXISTS (SELECT 1 FROM stream_cursor WHERE epoch_id = ?)")
        return try Bool.fetchOne(statement, arguments: [epochID]) ?? false
    }

    /// Frees what every export of a stream has of an epoch, at most so many entries.
    ///
    /// - Returns: Whether there is more to free.
    @discardableResult
    func trim(_ epochID: Int64, of stream: String, limit: Int = .max) throws -> Bool {
        let bounds = try db.cachedStatement(
            sql: """
                SELECT CASE WHEN acknowledged >= ifnull(cloud_until, ?2) THEN ?2 ELSE acknowledged END,
                    ifnull((SELECT min(acknowledged) FROM stream_cursor WHERE epoch_id = ?1), ?2)
                FROM stream_epoch WHERE id = ?1
                """)
        guard let row = try Row.fetchOne(bounds, arguments: [epochID, Int64.max]) else { return false }
        var through = min(row[0] as Int64, row[1] as Int64)
        var hasMore = false
        if limit < .max {
            let cut = try db.cachedStatement(
                sql: """
                    SELECT last FROM stream_entry WHERE epoch_id = ? AND first <= ? ORDER BY first LIMIT 1 OFFSET ?
                    """)
            if let last = try Int64.fetchOne(cut, arguments: [epochID, through, limit - 1]), last < through {
                through = last
                hasMore = true
            }
        }
        let sums = try db.cachedStatement(
            sql: """
                SELECT count(*), ifnull(sum(length(payload)), 0), count(reason) FROM stream_entry
                WHERE epoch_id = ?1 AND first <= ?2 AND last <= ?2
                """)
        guard let sum = try Row.fetchOne(sums, arguments: [epochID, through]), sum[0] as Int > 0 else {
            return false
        }
        let accounts: Int = sum[2]
        if accounts > 0 {
            try db.cachedStatement(
                sql: """
                    DELETE FROM stream_lost_origin WHERE entry_id IN (
                        SELECT id FROM stream_entry
                        WHERE epoch_id = ?1 AND first <= ?2 AND last <= ?2 AND reason IS NOT NULL)
                    """
            ).execute(arguments: [epochID, through])
        }
        try db.cachedStatement(
            sql: "DELETE FROM stream_entry WHERE epoch_id = ?1 AND first <= ?2 AND last <= ?2"
        ).execute(arguments: [epochID, through])
        try addUsage(-(sum[1] as Int64), accounts: -accounts, stream)
        return hasMore
    }

    /// Streams that still hold something for exports that were removed.
    public func withRemovedExports() throws -> [String] {
        try String.fetchAll(
            db,
            sql: """
                SELECT DISTINCT e.stream FROM stream_cursor c JOIN stream_epoch e ON e.id = c.epoch_id
                WHERE c.acknowledged = ? ORDER BY e.stream
                """, arguments: [Int64.max])
    }

    /// Frees what a stream held for exports that were removed, at most so many entries of an epoch at once.
    ///
    /// - Returns: Whether there is more to free; to be called again then, in another transaction.
    public func releaseRemoved(from stream: String, limit: Int = 1_000) throws -> Bool {
        var hasMore = false
        for epoch in try storedEpochs(of: stream) {
            if try trim(epoch.id, of: stream, limit: limit) {
                hasMore = true
            } else {
                try db.cachedStatement(
                    sql: "DELETE FROM stream_cursor WHERE epoch_id = ? AND acknowledged = ?"
                )
                .execute(arguments: [epoch.id, Int64.max])
            }
        }
        return hasMore
    }
}
