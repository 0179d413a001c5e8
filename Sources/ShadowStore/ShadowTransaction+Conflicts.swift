import GRDB
public import Shadows

/// Conflicts of the sync, kept for those who ask how a document came about.
extension ShadowTransaction {
    /// The conflicts of a shadow, the newest first, with the numbers that a next page goes on below.
    public func conflicts(
        of key: ShadowKey, before entry: Int64? = nil, limit: Int
    ) throws -> [(entry: Int64, conflict: RecordedConflict)] {
        guard let id = try id(of: key) else { return [] }
        let statement = try db.cachedStatement(
            sql: """
                SELECT id, path, base, core_value, cloud_value, winner, rule, core, core_version, cloud_version,
                    decide_time
                FROM shadow_conflict WHERE shadow = ? AND id < ? ORDER BY id DESC LIMIT ?
                """)
        return try Row.fetchAll(statement, arguments: [id, entry ?? .max, limit]).map { row in
            (
                try row.integer(0),
                RecordedConflict(
                    path: try row.text(1), base: try row.text(2), coreValue: try row.text(3),
                    cloudValue: try row.text(4), winner: try row.text(5), rule: try row.text(6),
                    core: try row.text(7), coreVersion: try row.count(8), cloudVersion: try row.count(9),
                    decideTime: try row.integer(10))
            )
        }
    }

    /// Enters conflicts of a shadow or tombstone; the oldest fall out.
    func enter(_ conflicts: [RecordedConflict], of id: Int64) throws {
        guard !conflicts.isEmpty else { return }
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO shadow_conflict (shadow, path, base, core_value, cloud_value, winner, rule, core,
                    core_version, cloud_version, decide_time) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
        for conflict in conflicts.suffix(Self.conflictsKept) {
            try statement.execute(
                arguments: [
                    id, conflict.path, conflict.base, conflict.coreValue, conflict.cloudValue,
                    conflict.winner, conflict.rule, conflict.core, Int64(clamping: conflict.coreVersion),
                    Int64(clamping: conflict.cloudVersion), conflict.decideTime,
                ])
        }
        try db.cachedStatement(
            sql: """
                DELETE FROM shadow_conflict WHERE shadow = ?1 AND id <= (
                    SELECT id FROM shadow_conflict WHERE shadow = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)
                """
        ).execute(arguments: [id, Self.conflictsKept])
    }
}
