import Components
import FoundationEssentials
import GRDB

/// Aliases and deprecations of component versions in the cloud's database.
struct SQLiteComponentLabels: Sendable {
    /// Most aliases of a component.
    static let maximumAliases = 64
    /// Moves of aliases that are kept of each component.
    static let maximumMoves = 1_000

    let database: CloudDatabase

    // MARK: Aliases

    /// Points an alias at a version.
    ///
    /// - Returns: the alias, and the version before; nil where the alias is new.
    /// - Throws: ``StoreError/notFound(_:)``, ``StoreError/limitReached(_:)``.
    func setAlias(_ alias: AliasRecord) async throws -> (AliasRecord, from: String?) {
        try await database.write { db in
            let version = try Self.registered(alias.component, alias.version, in: db)
            let before = try Self.alias(alias.alias, of: alias.component, in: db)
            if let before, before.version == version { return (before, before.version.description) }
            if before == nil { try Self.requireRoom(for: alias.component, in: db) }
            var stored = alias
            stored.version = version
            try db.execute(
                sql: """
                    INSERT INTO component_alias (component, alias, version, update_time, author)
                    VALUES (?1, ?2, ?3, ?4, ?5)
                    ON CONFLICT (component, alias) DO UPDATE SET version = ?3, update_time = ?4, author = ?5
                    """,
                arguments: [
                    stored.component, stored.alias, version.description, stored.updateTime.milliseconds,
                    stored.author,
                ])
            try Self.recordMove(
                of: stored, from: before?.version.description, to: version.description, in: db)
            return (stored, before?.version.description)
        }
    }

    /// Looks what setting an alias would do, and sets nothing.
    ///
    /// - Parameters:
    ///   - pending: versions that count as registered.
    ///   - made: how many further aliases of the component are about to be made.
    /// - Returns: the version as it is registered, and the one that the alias points at; nil where the alias is new.
    /// - Throws: ``StoreError/notFound(_:)``, ``StoreError/limitReached(_:)``.
    func trial(
        of alias: AliasDefinition, beside pending: [ComponentID], made: Int
    ) async throws -> (version: SemanticVersion, before: SemanticVersion?) {
        try await database.read { db in
            let key = VersionSortKey.key(of: alias.version)
            let coming = pending.first {
                $0.component == alias.component && VersionSortKey.key(of: $0.version) == key
            }
            let version = try coming?.version ?? Self.registered(alias.component, alias.version, in: db)
            let before = try Self.alias(alias.name, of: alias.component, in: db)
            if before == nil { try Self.requireRoom(for: alias.component, beside: made, in: db) }
            return (version, before?.version)
        }
    }

    /// Removes an alias.
    ///
    /// - Throws: ``StoreError/notFound(_:)``, ``StoreError/inUse(_:)`` while the newest revision of a group names it.
    func deleteAlias(_ name: String, of component: String, by author: String, at time: Date) async throws {
        try await database.write { db in
            guard let alias = try Self.alias(name, of: component, in: db) else {
                throw StoreError.notFound("component \"\(component)\" has no alias \"\(name)\"")
            }
            if let group = try Self.group(naming: alias, in: db) {
                throw StoreError.inUse(
                    "group \"\(group)\" wants \(component) @\(name); apply it with another version first")
            }
            try db.execute(
                sql: "DELETE FROM component_alias WHERE component = ? AND alias = ?",
                arguments: [component, name])
            var moved = alias
            moved.author = author
            moved.updateTime = time
            try Self.recordMove(of: moved, from: alias.version.description, to: nil, in: db)
        }
    }

    /// Aliases after one, by component and alias.
    ///
    /// - Parameter component: nil for those of all.
    func aliases(
        of component: String?, after last: (component: String, alias: String), limit: Int
    ) async throws -> [AliasRecord] {
        try await database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM component_alias
                    WHERE (component, alias) > (?1, ?2) AND (?3 IS NULL OR component = ?3)
                    ORDER BY component, alias LIMIT ?4
                    """,
                arguments: [last.component, last.alias, component, limit]
            ).map(Self.alias(from:))
        }
    }

    /// Moves of aliases before one, the newest first.
    func moves(
        of component: String, alias: String?, before sequence: Int64, limit: Int
    ) async throws -> [AliasMoveRecord] {
        try await database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM component_alias_move
                    WHERE component = ?1 AND sequence < ?2 AND (?3 IS NULL OR alias = ?3)
                    ORDER BY sequence DESC LIMIT ?4
                    """,
                arguments: [component, sequence, alias, limit]
            ).map { row in
                AliasMoveRecord(
                    sequence: row["sequence"], component: row["component"], alias: row["alias"],
                    from: row["from_version"], to: row["to_version"],
                    time: Date(milliseconds: row["move_time"]), author: row["author"])
            }
        }
    }

    // MARK: Deprecation

    /// Marks a version, or takes the mark back where `reason` is nil.
    ///
    /// - Throws: ``StoreError/notFound(_:)``.
    func deprecate(
        _ id: ComponentID, reason: String?, by author: String, at time: Date
    ) async throws {
        try await database.write { db in
            let version = try Self.registered(id.component, id.version, in: db)
            guard let reason else {
                try db.execute(
                    sql: "DELETE FROM component_deprecation WHERE component = ? AND version = ?",
                    arguments: [id.component, version.description])
                return
            }
            try db.execute(
                sql: """
                    INSERT INTO component_deprecation (component, version, reason, deprecate_time, author)
                    VALUES (?1, ?2, ?3, ?4, ?5)
                    ON CONFLICT (component, version) DO UPDATE
                        SET reason = ?3, deprecate_time = ?4, author = ?5
                    """,
                arguments: [id.component, version.description, reason, time.milliseconds, author])
        }
    }

    /// What is said of the versions of some components.
    func labels(of components: Set<String>) async throws -> [String: ComponentLabels] {
        try await database.read { db in
            var labels: [String: ComponentLabels] = [:]
            for name in components {
                var own = ComponentLabels()
                let aliases = try Row.fetchAll(
                    db, sql: "SELECT * FROM component_alias WHERE component = ? ORDER BY alias",
                    arguments: [name])
                for alias in try aliases.map(Self.alias(from:)) { own.aliases[alias.alias] = alias.version }
                let deprecated = try Row.fetchAll(
                    db, sql: "SELECT version, reason FROM component_deprecation WHERE component = ?",
                    arguments: [name])
                for row in deprecated {
                    own.deprecations[try SQLiteComponentStore.version(row["version"])] = row["reason"]
                }
                if own != ComponentLabels() { labels[name] = own }
            }
            return labels
        }
    }

    // MARK: In a transaction

    /// The version as it was registered: build metadata is not compared.
    private static func registered(
        _ component: String, _ version: SemanticVersion, in db: Database
    ) throws -> SemanticVersion {
        let stored = try String.fetchOne(
            db, sql: "SELECT version FROM component_version WHERE component = ? AND sort_key = ?",
            arguments: [component, VersionSortKey.key(of: version)])
        guard let stored else {
            throw StoreError.notFound(
                "component \"\(component)\" has no version \(version); see hedgerow components list \(component)"
            )
        }
        return try SQLiteComponentStore.version(stored)
    }

    private static func alias(_ name: String, of component: String, in db: Database) throws -> AliasRecord? {
        try Row.fetchOne(
            db, sql: "SELECT * FROM component_alias WHERE component = ? AND alias = ?",
            arguments: [component, name]
        ).map(alias(from:))
    }

    private static func alias(from row: Row) throws -> AliasRecord {
        AliasRecord(
            component: row["component"], alias: row["alias"],
            version: try SQLiteComponentStore.version(row["version"]),
            updateTime: Date(milliseconds: row["update_time"]), author: row["author"])
    }

    private static func requireRoom(
        for component: String, beside made: Int = 0, in db: Database
    ) throws {
        let count =
            try Int.fetchOne(
                db, sql: "SELECT count(*) FROM component_alias WHERE component = ?", arguments: [component])
            ?? 0
        if count + made >= maximumAliases {
            throw StoreError.limitReached(
                "component \"\(component)\" has \(count + made) aliases, and no more are kept; remove one")
        }
    }

    private static func recordMove(of alias: AliasRecord, from: String?, to: String?, in db: Database) throws
    {
        try db.execute(
            sql: """
                INSERT INTO component_alias_move (component, alias, from_version, to_version, move_time, author)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                alias.component, alias.alias, from, to, alias.updateTime.milliseconds, alias.author,
            ])
        try db.execute(
            sql: """
                DELETE FROM component_alias_move WHERE component = ?1 AND sequence <= (
                    SELECT sequence FROM component_alias_move WHERE component = ?1
                    ORDER BY sequence DESC LIMIT 1 OFFSET ?2)
                """,
            arguments: [alias.component, maximumMoves])
    }

    private static func group(naming alias: AliasRecord, in db: Database) throws -> String? {
        let cursor = try Row.fetchCursor(
            db,
            sql: """
                SELECT group_revision.* FROM fleet_group JOIN group_revision
                    ON group_revision.fleet_group = fleet_group.name
                    AND group_revision.revision = fleet_group.newest_revision
                ORDER BY fleet_group.name
                """)
        while let row = try cursor.next() {
            let revision = try SQLiteRegistryStore.revision(from: row)
            let names = revision.definition.components.contains {
                $0.component == alias.component && $0.request == .alias(alias.alias)
            }
            if names { return revision.group }
        }
        return nil
    }
}

/// What is said of the versions of a component.
struct ComponentLabels: Hashable, Sendable {
    /// The version that each alias points at.
    var aliases: [String: SemanticVersion] = [:]
    /// Why some versions should not be used any more.
    var deprecations: [SemanticVersion: String] = [:]
}

extension CloudContext {
    /// Aliases and deprecations.
    var labels: SQLiteComponentLabels { SQLiteComponentLabels(database: database) }
}
