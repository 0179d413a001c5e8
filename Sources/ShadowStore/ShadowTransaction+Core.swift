public import Foundation
import GRDB
public import Shadows

/// The core's side of the sync: what the cloud has is merged in one transaction, and what is here waits until the cloud
/// confirms it.
extension ShadowTransaction {
    /// What is known of the cloud's document of a shadow.
    public func base(of key: ShadowKey) throws -> ShadowBase {
        guard let id = try id(of: key) else { return .none }
        return try base(of: id)
    }

    private func base(of id: Int64) throws -> ShadowBase {
        let statement = try db.cachedStatement(
            sql: """
                SELECT incarnation, version, deleted, update_time, state, metadata, sent_incarnation, sent_version,
                    sent_deleted, sent_update_time, sent_state, sent_metadata
                FROM shadow_base WHERE shadow = ?
                """)
        guard let row = try Row.fetchOne(statement, arguments: [id]) else { return .none }
        return ShadowBase(
            cloud: try row.optionalInteger(1) == nil ? nil : try Self.shadow(row, from: 0),
            pending: try row.optionalInteger(7) == nil ? nil : try Self.shadow(row, from: 6))
    }

    /// Takes what the cloud has: the core's document, its base and the conflicts, as the rules of the sync decide. What was
    /// taken already changes nothing.
    ///
    /// - Parameters:
    ///   - cloud: What the cloud has.
    ///   - direction: Of the shadow.
    ///   - core: Name of this core, for the conflicts.
    ///   - isRefusal: Whether it is the answer to a document that was sent, which the cloud did not take then.
    /// - Returns: What was decided, nil where it is no news; and the conflicts, as they are kept.
    @discardableResult
    public func apply(
        _ cloud: CloudShadow, to key: ShadowKey, direction: ShadowDirection, core: String,
        isRefusal: Bool = false
    ) throws -> (decision: ShadowSyncDecision?, conflicts: [RecordedConflict]) {
        let before = try record(key)
        let known = try before.map { try base(of: $0.id) } ?? .none
        guard known.isNews(cloud.stored) else {
            // Refused although it has what was expected, or something older: the cloud went back to a copy of its database.
            if isRefusal, known.pending != nil {
                return try take(cloud, to: key, before, .none, direction: direction, core: core)
            }
            return (nil, [])
        }
        return try take(cloud, to: key, before, known, direction: direction, core: core)
    }

    /// Gives the core what the cloud has, where it has something that only it has and the direction says that the cloud's
    /// stands (`ShadowBase.isStray`).
    @discardableResult
    public func takeBack(
        _ key: ShadowKey, direction: ShadowDirection, core: String
    ) throws -> [RecordedConflict] {
        guard let before = try record(key) else { return [] }
        let known = try base(of: before.id)
        return try take(CloudShadow(known.cloud), to: key, before, known, direction: direction, core: core)
            .conflicts
    }

    private func take(
        _ cloud: CloudShadow, to key: ShadowKey, _ before: ShadowRecord?, _ known: ShadowBase,
        direction: ShadowDirection, core: String
    ) throws -> (decision: ShadowSyncDecision?, conflicts: [RecordedConflict]) {
        let decision = ShadowSyncDecision.make(
            base: known, core: before?.shadow, cloud: cloud, direction: direction, now: now)
        let conflicts = decision.conflicts.map { conflict in
            RecordedConflict(
                path: conflict.path, base: conflict.base?.text ?? "",
                coreValue: conflict.coreValue?.text ?? "",
                cloudValue: conflict.cloudValue?.text ?? "", winner: conflict.winner.rawValue,
                rule: conflict.rule, core: core, coreVersion: conflict.coreVersion,
                cloudVersion: conflict.cloudVersion, decideTime: now)
        }
        if let after = decision.core {
            try enter(
                ShadowStep(
                    before: before?.shadow, after: after,
                    acceptedText: ShadowStep.acceptedText(ofSynced: after), clientToken: nil), of: key,
                before,
                isDirty: decision.pushes)
        }
        guard let id = try before?.id ?? id(of: key) else { return (decision, []) }
        if decision.core == nil { try setDirty(decision.pushes, id) }
        try save(decision.base, of: id, isSynced: !decision.pushes)
        try forgetProblem(of: id)
        try enter(conflicts, of: id)
        return (decision, conflicts)
    }

    /// Shadows that the cloud has not confirmed, in the order of their changes, with what is known of the cloud's.
    ///
    /// - Parameters:
    ///   - last: Goes on behind the change of this number.
    ///   - wants: Which ones; the things that are synced.
    public func dirty(
        after last: Int64 = 0, limit: Int, where wants: (ShadowKey) -> Bool = { _ in true }
    ) throws -> [(record: ShadowRecord, base: ShadowBase)] {
        let statement = try db.cachedStatement(
            sql: "SELECT thing, name FROM shadow WHERE dirty = 1 AND change > ? ORDER BY change")
        var found: [(record: ShadowRecord, base: ShadowBase)] = []
        let cursor = try Row.fetchCursor(statement, arguments: [last])
        while found.count < limit, let row = try cursor.next() {
            let key = try Self.key(row, from: 0)
            guard wants(key), let record = try record(key) else { continue }
            found.append((record, try base(of: record.id)))
        }
        return found
    }

    /// A document is about to be sent. Has to be on disk before it is.
    ///
    /// - Parameter sent: What is sent, with the core's version.
    public func sending(_ sent: StoredShadow, of key: ShadowKey) throws {
        guard let id = try id(of: key) else { return }
        try save(try base(of: id).sending(sent), of: id, isSynced: false)
    }

    /// The streams on which documents were sent and not answered are over, and everything was told on the next one: what
    /// the cloud took of them is known. So far as things were read: of others nothing was told.
    public func forgetSent() throws { try forgetSent("IN (SELECT thing FROM shadow_read)") }

    private func forgetSent(_ things: String, _ arguments: StatementArguments = []) throws {
        try db.cachedStatement(
            sql: """
                UPDATE shadow_base SET sent_incarnation = NULL, sent_version = NULL, sent_deleted = NULL,
                    sent_update_time = NULL, sent_state = NULL, sent_metadata = NULL
                WHERE sent_version IS NOT NULL
                    AND shadow IN (SELECT id FROM shadow WHERE thing \(things))
                """
        ).execute(arguments: arguments)
    }

    /// Whether a deletion may be forgotten, as far as the sync goes.
    public func isForgettable(_ key: ShadowKey) throws -> Bool {
        guard let record = try record(key) else { return true }
        return record.isDirty ? false : try base(of: record.id).isForgettable
    }

    /// The cloud did not take what was sent.
    public func notTaken(_ key: ShadowKey) throws {
        guard let id = try id(of: key) else { return }
        let known = try base(of: id)
        if known.pending != nil { try save(known.notTaken, of: id, isSynced: false) }
    }

    /// The cloud has written what was sent.
    ///
    /// - Returns: whether the core has something newer by now.
    @discardableResult
    public func accepted(
        _ sent: ShadowVersion, of key: ShadowKey, cloudVersion: UInt64, direction: ShadowDirection
    ) throws -> Bool {
        guard let record = try record(key) else { return false }
        guard let base = try base(of: record.id).accepted(sent, cloudVersion: cloudVersion) else {
            return record.isDirty
        }
        let isDirty = base.isDirty(record.shadow, direction: direction)
        try setDirty(isDirty, record.id)
        try save(base, of: record.id, isSynced: true)
        try forgetProblem(of: record.id)
        return isDirty
    }

    /// What is here need not reach the cloud: it is the same, or the direction says so.
    ///
    /// - Parameter version: That was looked at; a newer one stays to be looked at.
    public func settle(_ key: ShadowKey, version: ShadowVersion) throws {
        guard let record = try record(key), record.shadow.shadowVersion == version else { return }
        try setDirty(false, record.id)
        try forgetProblem(of: record.id)
    }

    /// A document cannot be synced as it is: it waits for another version.
    ///
    /// - Parameter problem: Why, for people.
    public func fail(_ key: ShadowKey, version: ShadowVersion, problem: String) throws {
        guard let record = try record(key) else { return }
        try notTaken(key)
        if record.shadow.shadowVersion == version { try setDirty(false, record.id) }
        try db.cachedStatement(
            sql: """
                INSERT INTO shadow_problem (shadow, version, problem) VALUES (?1, ?2, ?3)
                ON CONFLICT DO UPDATE SET version = ?2, problem = ?3
                """
        ).execute(arguments: [record.id, Int64(clamping: version.version), problem])
    }

    /// Marks everything of a thing as not confirmed: it is synced from now on, or in another direction.
    public func markDirty(thing: String) throws {
        try db.cachedStatement(sql: "UPDATE shadow SET dirty = 1 WHERE thing = ?").execute(
            arguments: [thing])
    }

    private func setDirty(_ isDirty: Bool, _ id: Int64) throws {
        try db.cachedStatement(sql: "UPDATE shadow SET dirty = ?1 WHERE id = ?2 AND dirty <> ?1").execute(
            arguments: [isDirty, id])
    }

    private func forgetProblem(of id: Int64) throws {
        try db.cachedStatement(sql: "DELETE FROM shadow_problem WHERE shadow = ?").execute(arguments: [id])
    }

    private func save(_ base: ShadowBase, of id: Int64, isSynced: Bool) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO shadow_base (shadow, sync_time, incarnation, version, deleted, update_time, state,
                    metadata, sent_incarnation, sent_version, sent_deleted, sent_update_time, sent_state,
                    sent_metadata)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
                ON CONFLICT DO UPDATE SET sync_time = coalesce(?2, sync_time), incarnation = ?3, version = ?4,
                    deleted = ?5, update_time = ?6, state = ?7, metadata = ?8, sent_incarnation = ?9,
                    sent_version = ?10, sent_deleted = ?11, sent_update_time = ?12, sent_state = ?13,
                    sent_metadata = ?14
                """
        ).execute(
            arguments: [id, isSynced ? now : nil] + Self.columns(base.cloud) + Self.columns(base.pending))
    }

    private static func columns(_ shadow: StoredShadow?) -> StatementArguments {
        [
            (shadow?.incarnation.bytes).map { Data($0) }, shadow.map { Int64(clamping: $0.version) },
            shadow?.isDeleted, shadow?.updateTime, shadow?.document?.stateText,
            shadow?.document?.metadataText,
        ]
    }

    // MARK: How far the cloud's changes were taken

    /// The cloud's database that changes were taken from, and the number of the last; nil where none were.
    public func cloudPosition() throws -> (database: Data, takenChange: Int64)? {
        let statement = try db.cachedStatement(
            sql: "SELECT name, taken_change FROM shadow_cloud WHERE id = 1")
        return try Row.fetchOne(statement).map { (try $0.blob(0), try $0.integer(1)) }
    }

    /// Every change up to a number was taken.
    public func setCloudPosition(database: Data, takenChange: Int64) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO shadow_cloud (id, name, taken_change) VALUES (1, ?1, ?2)
                ON CONFLICT DO UPDATE SET name = ?1, taken_change = ?2
                """
        ).execute(arguments: [database, takenChange])
    }

    /// Things of which everything that the cloud has was told once.
    public func thingsRead() throws -> Set<String> {
        Set(
            try Row.fetchAll(try db.cachedStatement(sql: "SELECT thing FROM shadow_read")).map {
                try $0.text(0)
            })
    }

    /// The same, with the direction in which each was synced then.
    public func directionsRead() throws -> [String: ShadowDirection] {
        var found: [String: ShadowDirection] = [:]
        let statement = try db.cachedStatement(sql: "SELECT thing, direction FROM shadow_read")
        for row in try Row.fetchAll(statement) {
            found[try row.text(0)] = ShadowDirection(rawValue: try row.text(1))
        }
        return found
    }

    /// Everything that the cloud has of a thing was told. What it does not have of what is here, it forgot: that is new to
    /// it. And everything here is to be looked at, for it may not have been synced before, or in another direction.
    ///
    /// - Parameter told: Names of the shadows of which something was told.
    public func markRead(
        thing: String, direction: ShadowDirection = .both, told: Set<String>? = nil, core: String = ""
    ) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO shadow_read (thing, direction) VALUES (?1, ?2)
                ON CONFLICT DO UPDATE SET direction = ?2
                """
        ).execute(arguments: [thing, direction.rawValue])
        if let told {
            let names = try Row.fetchAll(
                try db.cachedStatement(sql: "SELECT name FROM shadow WHERE thing = ?"), arguments: [thing]
            ).map { try $0.text(0) }
            for name in names where !told.contains(name) {
                let key = try ShadowKey(thing: thing, name: name)
                if try base(of: key).cloud != nil {
                    try apply(CloudShadow(nil), to: key, direction: direction, core: core)
                }
            }
        }
        try forgetSent("= ?", [thing])
        try markDirty(thing: thing)
    }

    /// A thing is not synced any more: what the cloud changes of it is not told.
    public func forgetRead(thing: String) throws {
        try db.cachedStatement(sql: "DELETE FROM shadow_read WHERE thing = ?").execute(arguments: [thing])
    }

    /// The cloud has another database: its versions and numbers mean nothing here. Everything is to be told again, and
    /// everything here to be looked at.
    ///
    /// - Parameter newestChange: Number of the newest change of that database.
    public func beginAnew(database: Data, newestChange: Int64) throws {
        try db.execute(sql: "DELETE FROM shadow_read")
        try db.execute(sql: "DELETE FROM shadow_base")
        try db.execute(sql: "DELETE FROM shadow_problem")
        try db.execute(sql: "UPDATE shadow SET dirty = 1 WHERE dirty = 0")
        try setCloudPosition(database: database, takenChange: newestChange)
    }
}
