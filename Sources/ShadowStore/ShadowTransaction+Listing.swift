import Foundation
import GRDB
public import Shadows

/// Lists, in pages.
extension ShadowTransaction {
    /// Shadows that are, by thing and name; tombstones are left out.
    ///
    /// - Parameters:
    ///   - thing: Only of this one; nil for all.
    ///   - last: Goes on after it.
    public func list(thing: String?, after last: ShadowKey?, limit: Int) throws -> [ShadowSummary] {
        // A row value is greater than ('', '') for every name, since no thing's name is empty.
        let statement = try db.cachedStatement(
            sql: Self.summaries(side)
                + (thing == nil
                    ? " WHERE (s.thing, s.name) > (?1, ?2) AND s.deleted = 0 ORDER BY s.thing, s.name LIMIT ?3"
                    : " WHERE s.thing = ?1 AND s.name > ?2 AND s.deleted = 0 ORDER BY s.name LIMIT ?3"))
        // The classic one has the empty name, and comes first.
        if let thing {
            let classic = last == nil ? try summary(ShadowKey(thing: thing, name: "")) : nil
            let rows = try Row.fetchAll(
                statement, arguments: [thing, last?.name ?? "", limit - (classic == nil ? 0 : 1)])
            return (classic.map { [$0] } ?? []) + (try rows.map(summary))
        }
        return try Row.fetchAll(statement, arguments: [last?.thing ?? "", last?.name ?? "", limit])
            .map(summary)
    }

    /// One of them; nil where there is none.
    public func summary(_ key: ShadowKey) throws -> ShadowSummary? {
        let statement = try db.cachedStatement(
            sql: Self.summaries(side) + " WHERE s.thing = ? AND s.name = ? AND s.deleted = 0")
        return try Row.fetchOne(statement, arguments: [key.thing, key.name]).map(summary)
    }

    private static func summaries(_ side: ShadowSide) -> String {
        switch side {
        case .cloud:
            // Of the cores that a shadow was synced with, the one that was last.
            """
            SELECT s.thing, s.name, s.version, s.update_time, s.size, s.delta, c.core, c.sync_time,
                CASE WHEN c.core IS NULL THEN 0
                    ELSE s.change > c.change AND s.change > coalesce(t.taken_change, 0) END, NULL
            FROM shadow s
            LEFT JOIN shadow_core c ON c.shadow = s.id AND c.core = (
                SELECT core FROM shadow_core WHERE shadow = s.id ORDER BY change DESC, core LIMIT 1)
            LEFT JOIN shadow_sync_core t ON t.core = c.core
            """
        case .core:
            """
            SELECT s.thing, s.name, s.version, s.update_time, s.size, s.delta, NULL, b.sync_time, s.dirty,
                p.problem
            FROM shadow s LEFT JOIN shadow_base b ON b.shadow = s.id
            LEFT JOIN shadow_problem p ON p.shadow = s.id
            """
        }
    }

    private func summary(_ row: Row) throws -> ShadowSummary {
        ShadowSummary(
            key: try Self.key(row, from: 0), version: try row.count(2), updateTime: try row.integer(3),
            size: Int(clamping: try row.integer(4)), hasDelta: try row.flag(5),
            sync: ShadowSyncFacts(
                core: try row.optionalText(6), syncTime: try row.optionalInteger(7),
                isPending: try row.flag(8), problem: try row.optionalText(9)))
    }

    /// A key of two columns.
    static func key(_ row: Row, from index: Int) throws -> ShadowKey {
        let (thing, name) = (try row.text(index), try row.text(index + 1))
        do {
            return try ShadowKey(thing: thing, name: name)
        } catch {
            throw DamagedShadow(description: "a shadow has a name that is none")
        }
    }

    /// What a shadow was, the newest first.
    ///
    /// - Parameter change: Goes on below it; nil for the newest.
    public func history(
        of key: ShadowKey, before change: Int64? = nil, limit: Int
    ) throws -> [ShadowHistoryEntry] {
        guard let id = try id(of: key) else { return [] }
        // The oldest that is kept is only there for the one after it.
        let oldest = try Int64.fetchOne(
            try db.cachedStatement(
                sql: """
                    SELECT change FROM shadow_history WHERE shadow = ? ORDER BY change DESC LIMIT 1 OFFSET ?
                    """), arguments: [id, historyDepth - 1])
        let statement = try db.cachedStatement(
            sql: """
                SELECT change, author, incarnation, version, deleted, update_time, state, metadata
                FROM shadow_history WHERE shadow = ? AND change < ? AND change >= ? ORDER BY change DESC LIMIT ?
                """)
        return try Row.fetchAll(statement, arguments: [id, change ?? .max, oldest ?? 0, limit]).map { row in
            ShadowHistoryEntry(
                change: try row.integer(0), shadow: try Self.shadow(row, from: 2), author: try row.text(1))
        }
    }

    /// The document of a version, while it is kept.
    public func history(
        of key: ShadowKey, incarnation: ShadowIncarnation, version: UInt64
    ) throws -> StoredShadow? {
        guard let id = try id(of: key) else { return nil }
        let statement = try db.cachedStatement(
            sql: """
                SELECT incarnation, version, deleted, update_time, state, metadata FROM shadow_history
                WHERE shadow = ? AND version = ? AND incarnation = ? ORDER BY change DESC LIMIT 1
                """)
        return try Row.fetchOne(
            statement, arguments: [id, Int64(clamping: version), Data(incarnation.bytes)]
        ).map { try Self.shadow($0, from: 0) }
    }

    /// Row of a shadow or tombstone.
    func id(of key: ShadowKey) throws -> Int64? {
        let statement = try db.cachedStatement(sql: "SELECT id FROM shadow WHERE thing = ? AND name = ?")
        return try Row.fetchOne(statement, arguments: [key.thing, key.name]).map { try $0.integer(0) }
    }
}
