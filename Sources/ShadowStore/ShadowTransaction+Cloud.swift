import Foundation
import GRDB
public import Shadows

/// The cloud's side of the sync: it compares and swaps, and tells what changed.
extension ShadowTransaction {
    /// Writes a core's document, if the cloud still has what the core merged.
    ///
    /// - Parameters:
    ///   - sent: What the core has, with the core's version.
    ///   - core: Name of the core.
    ///   - expected: The version that the cloud has to have; nil where it has to have none, not even a tombstone.
    ///   - conflicts: What was decided on the way to it.
    public func write(
        _ key: ShadowKey, _ sent: StoredShadow, of core: String, expected: ShadowVersion?,
        conflicts: [RecordedConflict] = []
    ) throws -> ShadowWriteOutcome {
        let before = try record(key)
        switch ShadowPush.apply(sent, expected: expected, to: before?.shadow, limits: limits, now: now) {
        case .refused:
            guard let before else { return .refused(nil) }
            return .refused(
                SyncedShadow(
                    key: key, change: before.change, shadow: before.shadow,
                    coreVersion: try coreVersion(of: before.id, core: core)))
        case .tooLarge(let bytes):
            return .problem(
                "the shadow has \(bytes) bytes of desired and reported, and the cloud takes at most "
                    + "\(limits.documentBytes); make it smaller, or raise shadows.maxSize of the cloud")
        case .accepted(let after):
            if let before, before.shadow.isEquivalent(to: after),
                before.shadow.incarnation == after.incarnation
            {
                // Nothing new for anybody else; the core learns that it is the same.
                try confirm(sent, of: core, before.id, change: before.change)
                try enter(conflicts, of: before.id)
                return .accepted(version: before.shadow.version, change: before.change)
            }
            let applied = try enter(
                ShadowStep(
                    before: before?.shadow, after: after,
                    acceptedText: ShadowStep.acceptedText(ofSynced: after), clientToken: nil), of: key, before
            )
            guard let id = try before?.id ?? id(of: key) else {
                throw DamagedShadow(description: "a shadow that was just written is not there")
            }
            try confirm(sent, of: core, id, change: applied.number)
            try enter(conflicts, of: id)
            return .accepted(version: after.version, change: applied.number)
        }
    }

    /// Enters what a core decided about a shadow without writing it; nothing where there is no such shadow.
    public func note(_ conflicts: [RecordedConflict], of key: ShadowKey) throws {
        guard let id = try id(of: key) else { return }
        try enter(conflicts, of: id)
    }

    /// Remembers the newest document of a core that is part of a shadow.
    private func confirm(_ sent: StoredShadow, of core: String, _ id: Int64, change: Int64) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO shadow_core (shadow, core, incarnation, version, change, sync_time)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                ON CONFLICT DO UPDATE SET incarnation = ?3, version = ?4, change = ?5, sync_time = ?6
                """
        ).execute(
            arguments: [
                id, core, Data(sent.incarnation.bytes), Int64(clamping: sent.version), change, now,
            ])
    }

    private func coreVersion(of id: Int64, core: String) throws -> ShadowVersion? {
        let statement = try db.cachedStatement(
            sql: "SELECT incarnation, version FROM shadow_core WHERE shadow = ? AND core = ?")
        guard let row = try Row.fetchOne(statement, arguments: [id, core]) else { return nil }
        guard let incarnation = ShadowIncarnation(try row.blob(0)) else {
            throw DamagedShadow(description: "the incarnation of a core's shadow has not 16 bytes")
        }
        return ShadowVersion(incarnation: incarnation, version: try row.count(1))
    }

    /// A shadow, or its tombstone, for a core; nil where there is neither.
    public func synced(_ key: ShadowKey, for core: String) throws -> SyncedShadow? {
        guard let record = try record(key) else { return nil }
        return SyncedShadow(
            key: key, change: record.change, shadow: record.shadow,
            coreVersion: try coreVersion(of: record.id, core: core))
    }

    /// What changed behind a number, each shadow once, in the order of the changes; tombstones too.
    ///
    /// - Parameters:
    ///   - last: Goes on behind the change of this number.
    ///   - limit: Most shadows; fewer where their documents are large.
    ///   - rows: Most changes that are looked at.
    ///   - wants: Which ones the core is to be told, with the number of their change.
    /// - Returns: The shadows, the number to go on behind, and whether there was nothing more.
    public func changes(
        after last: Int64, for core: String, limit: Int, rows: Int = 10_000,
        where wants: (ShadowKey, Int64) -> Bool
    ) throws -> (shadows: [SyncedShadow], last: Int64, isAtEnd: Bool) {
        let statement = try db.cachedStatement(
            sql: "SELECT change, thing, name FROM shadow WHERE change > ? ORDER BY change LIMIT ?")
        var (shadows, position, seen, bytes): ([SyncedShadow], Int64, Int, Int) = ([], last, 0, 0)
        let cursor = try Row.fetchCursor(statement, arguments: [last, rows])
        while let row = try cursor.next() {
            let (change, key) = (try row.integer(0), try Self.key(row, from: 1))
            seen += 1
            if wants(key, change), let shadow = try synced(key, for: core) {
                shadows.append(shadow)
                bytes += shadow.estimatedBytes
            }
            position = change
            if shadows.count >= limit || bytes > Self.pageBytes / 2 {
                return (shadows, position, false)
            }
        }
        // Numbers of changes that other changes of the same shadow replaced stand in no row.
        if seen < rows { return (shadows, max(position, try newestChange()), true) }
        return (shadows, position, false)
    }

    /// The shadows of a thing, tombstones too, by name.
    ///
    /// - Parameter last: Name to go on behind; nil for the beginning.
    public func shadows(
        of thing: String, for core: String, after last: String?, limit: Int
    ) throws -> (shadows: [SyncedShadow], isAtEnd: Bool) {
        let statement = try db.cachedStatement(
            sql: """
                SELECT thing, name FROM shadow WHERE thing = ? AND (name > ? OR ?) ORDER BY name LIMIT ?
                """)
        let keys = try Row.fetchAll(statement, arguments: [thing, last ?? "", last == nil, limit]).map {
            try Self.key($0, from: 0)
        }
        var (shadows, bytes): ([SyncedShadow], Int) = ([], 0)
        for key in keys {
            guard let shadow = try synced(key, for: core) else { continue }
            shadows.append(shadow)
            bytes += shadow.estimatedBytes
            if bytes > Self.pageBytes / 2, shadows.count < keys.count { return (shadows, false) }
        }
        return (shadows, keys.count < limit)
    }

    // MARK: How far cores are

    /// A core has taken, durably, every change up to a number. It never goes back but at the beginning of a stream.
    ///
    /// - Parameter isStart: Whether a stream begins: what the core says then stands, whatever it was before.
    public func taken(_ change: Int64, by core: String, group: String, isStart: Bool = false) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO shadow_sync_core (core, fleet_group, taken_change) VALUES (?1, ?2, ?3)
                ON CONFLICT DO UPDATE SET fleet_group = ?2,
                    taken_change = CASE WHEN ?4 THEN ?3 ELSE max(taken_change, ?3) END
                """
        ).execute(arguments: [core, group, change, isStart])
    }

    /// Every core that ever synced, by name.
    public func progress() throws -> [SyncProgress] {
        try Row.fetchAll(
            try db.cachedStatement(
                sql: "SELECT core, fleet_group, taken_change FROM shadow_sync_core ORDER BY core")
        ).map { row in
            SyncProgress(core: try row.text(0), group: try row.text(1), takenChange: try row.integer(2))
        }
    }

    /// Forgets a core that is deleted.
    public func forget(core: String) throws {
        for sql in [
            "DELETE FROM shadow_sync_core WHERE core = ?", "DELETE FROM shadow_core WHERE core = ?",
        ] { try db.cachedStatement(sql: sql).execute(arguments: [core]) }
    }

    /// Gives the database another name: its numbers have gone back, since it was restored from an older copy.
    public func rename() throws {
        try db.execute(sql: "UPDATE shadow_database SET name = randomblob(16) WHERE id = 1")
    }
}

extension SyncedShadow {
    /// About how large it is on the wire.
    var estimatedBytes: Int { 256 + (shadow.document.map { $0.stateBytes * 3 } ?? 0) }
}
