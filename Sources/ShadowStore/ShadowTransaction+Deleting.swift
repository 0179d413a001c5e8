import GRDB
public import Shadows

/// What makes shadows vanish, tombstones and all.
extension ShadowTransaction {
    /// Removes a thing's shadows with everything that is known of them: the thing itself is gone.
    ///
    /// - Returns: those that were there.
    @discardableResult
    public func removeAll(of thing: String) throws -> [ShadowKey] {
        let rows = try Row.fetchAll(
            try db.cachedStatement(sql: "SELECT id, thing, name FROM shadow WHERE thing = ?"),
            arguments: [thing])
        for row in rows { try remove(try row.integer(0)) }
        try db.cachedStatement(sql: "DELETE FROM shadow_read WHERE thing = ?").execute(arguments: [thing])
        return try rows.map { try Self.key($0, from: 1) }
    }

    /// Deletes a thing's shadows because the thing is deleted: their history and conflicts go at once, and tombstones
    /// stay for the cores that have yet to learn of it.
    public func retireAll(of thing: String) throws {
        let rows = try Row.fetchAll(
            try db.cachedStatement(sql: "SELECT id, thing, name, deleted FROM shadow WHERE thing = ?"),
            arguments: [thing])
        for row in rows {
            if try row.flag(3) == false { try delete(try Self.key(row, from: 1)) }
            let id = try row.integer(0)
            try db.cachedStatement(
                sql: """
                    DELETE FROM shadow_history
                    WHERE shadow = ?1 AND change <> (SELECT change FROM shadow WHERE id = ?1)
                    """
            ).execute(arguments: [id])
            try db.cachedStatement(sql: "DELETE FROM shadow_conflict WHERE shadow = ?").execute(
                arguments: [id])
        }
    }

    /// Removes tombstones that nobody needs any more: older than ``tombstoneTime``, and on a core without anything that
    /// the cloud has yet to confirm.
    ///
    /// - Parameters:
    ///   - last: Goes on behind a tombstone of an earlier call.
    ///   - limit: Most tombstones that are looked at.
    ///   - mayGo: Asked with each and the number of its change.
    /// - Returns: how many were removed, and where to go on; nil at the end.
    public func purgeTombstones(
        after last: TombstonePosition? = nil, limit: Int, mayGo: (ShadowKey, Int64) throws -> Bool
    ) throws -> (removed: Int, next: TombstonePosition?) {
        let statement = try db.cachedStatement(
            sql: """
                SELECT update_time, change, id, thing, name, dirty FROM shadow
                WHERE deleted = 1 AND (update_time, change) > (?, ?) AND update_time <= ?
                ORDER BY update_time, change LIMIT ?
                """)
        let rows = try Row.fetchAll(
            statement,
            arguments: [last?.time ?? .min, last?.change ?? .min, now - Self.tombstoneTime, limit])
        var removed = 0
        var position = last
        for row in rows {
            let change = try row.integer(1)
            position = TombstonePosition(time: try row.integer(0), change: change)
            guard try mayGo(try Self.key(row, from: 3), change) else { continue }
            try remove(try row.integer(2))
            removed += 1
        }
        return (removed, rows.count < limit ? nil : position)
    }

    private func remove(_ id: Int64) throws {
        for sql in Self.removals { try db.cachedStatement(sql: sql).execute(arguments: [id]) }
    }

    private static let removals = [
        "DELETE FROM shadow_history WHERE shadow = ?", "DELETE FROM shadow_conflict WHERE shadow = ?",
        "DELETE FROM shadow_core WHERE shadow = ?", "DELETE FROM shadow_base WHERE shadow = ?",
        "DELETE FROM shadow_problem WHERE shadow = ?", "DELETE FROM shadow WHERE id = ?",
    ]
}
