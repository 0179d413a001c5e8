import Components
import FoundationEssentials
import GRDB
import Messaging

/// Registered components in the cloud's database.
struct SQLiteComponentStore: ComponentStore {
    /// Most components.
    static let maximumComponents = 10_000
    /// Most versions of one component.
    static let maximumVersions = 10_000

    let database: CloudDatabase
    private let maximumComponents: Int
    private let maximumVersions: Int
    private let replacesVersions: Bool

    /// - Parameters:
    ///   - maximumComponents: most components; tests lower it.
    ///   - maximumVersions: most versions of one component; tests lower it.
    ///   - replacesVersions: whether another recipe takes the place of a version; for development only.
    init(
        database: CloudDatabase, maximumComponents: Int = Self.maximumComponents,
        maximumVersions: Int = Self.maximumVersions, replacesVersions: Bool = false
    ) {
        self.replacesVersions = replacesVersions
        self.database = database
        self.maximumComponents = maximumComponents
        self.maximumVersions = maximumVersions
    }

    // MARK: Registering

    func register(
        _ recipe: RegisteredRecipe, dryRun: Bool
    ) async throws -> (component: ComponentRecord, created: Bool) {
        try await database.write { db in
            let new = recipe.component
            if let stored = try Self.component(new.name, new.version, in: db) {
                guard stored.digest == new.digest else {
                    if replacesVersions {
                        if !dryRun { try Self.replace(recipe, in: db) }
                        return (new, true)
                    }
                    throw StoreError.alreadyExists(
                        "version \(new.version) of component \"\(new.name)\" is registered with another recipe, and "
                            + "a version never changes; raise the version in the recipe and push it again")
                }
                return (stored, false)
            }
            try Self.requireOwnPrecedence(of: new, in: db)
            try requireRoom(for: new, in: db)
            if !dryRun { try Self.insert(recipe, in: db) }
            return (new, true)
        }
    }

    /// Build metadata makes no version of its own: ranges and exact versions do not look at it (semver 2.0.0, item
    /// 10), so that a second one beside the first would take its place under whoever pinned it.
    private static func requireOwnPrecedence(of new: ComponentRecord, in db: Database) throws {
        let base = new.version.description.prefix { $0 != "+" }
        let taken = try String.fetchOne(
            db,
            sql:
                "SELECT version FROM component_version WHERE component = ? AND (version = ? OR version LIKE ?)",
            arguments: [new.name, String(base), "\(base)+%"])
        if let taken {
            throw StoreError.alreadyExists(
                "version \(taken) of component \"\(new.name)\" is registered already, and \(new.version) differs from "
                    + "it in build metadata only; raise the version in the recipe and push it again")
        }
    }

    private func requireRoom(for new: ComponentRecord, in db: Database) throws {
        let versions = try Int.fetchOne(
            db, sql: "SELECT count(*) FROM component_version WHERE component = ?", arguments: [new.name])
        if let versions, versions >= maximumVersions {
            throw StoreError.limitReached(
                "component \"\(new.name)\" has \(versions) versions, and no more are kept; go on under a new name"
            )
        }
        guard versions == 0 else { return }
        let components = try Int.fetchOne(db, sql: "SELECT count(*) FROM component") ?? 0
        if components >= maximumComponents {
            throw StoreError.limitReached(
                "\(components) components are registered, and no more are kept; add a version to one of them")
        }
    }

    private static func insert(_ recipe: RegisteredRecipe, in db: Database) throws {
        let new = recipe.component
        try SQLiteArtifactIndex.record(
            recipe.artifacts, of: ComponentID(component: new.name, version: new.version), in: db)
        try db.execute(sql: "INSERT OR IGNORE INTO component (name) VALUES (?)", arguments: [new.name])
        try db.execute(
            sql: """
                INSERT INTO component_version
                    (component, version, sort_key, prerelease, digest, description, create_time, outputs, recipe,
                     requirements)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                new.name, new.version.description, VersionSortKey.key(of: new.version),
                new.version.isPrerelease, Data(new.digest), new.description, new.createTime.milliseconds,
                try JSONText.encode(new.outputs.map(StoredOutput.init)), recipe.text,
                try recipe.requirements.stored(),
            ])
    }

    /// Puts another recipe into the place of a version. The locks of deployments keep the digest of the one before.
    private static func replace(_ recipe: RegisteredRecipe, in db: Database) throws {
        let new = recipe.component
        for table in ["component_version", "component_artifact"] {
            try db.execute(
                sql: "DELETE FROM \(table) WHERE component = ? AND version = ?",
                arguments: [new.name, new.version.description])
        }
        try insert(recipe, in: db)
    }

    // MARK: Looking up

    func recipe(of name: String, version: SemanticVersion?) async throws -> RegisteredRecipe? {
        try await database.read { db in
            let row: Row?
            if let version {
                row = try Row.fetchOne(
                    db, sql: "SELECT * FROM component_version WHERE component = ? AND sort_key = ?",
                    arguments: [name, VersionSortKey.key(of: version)])
            } else {
                // Releases (0) before pre-releases (1), each the highest first.
                row = try Row.fetchOne(
                    db,
                    sql: """
                        SELECT * FROM component_version WHERE component = ?
                        ORDER BY prerelease, sort_key DESC LIMIT 1
                        """, arguments: [name])
            }
            return try row.map {
                RegisteredRecipe(component: try Self.component(from: $0), text: $0["recipe"])
            }
        }
    }

    func components(after name: String, limit: Int) async throws -> [ComponentRecord] {
        try await database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT \(Self.columns) FROM component JOIN component_version
                        ON component_version.component = component.name
                        AND sort_key = (SELECT max(sort_key) FROM component_version WHERE component = name)
                    WHERE component.name > ? ORDER BY component.name LIMIT ?
                    """, arguments: [name, limit]
            ).map(Self.component(from:))
        }
    }

    func versions(
        of name: String, below version: SemanticVersion?, limit: Int
    ) async throws -> [ComponentRecord] {
        try await database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT \(Self.columns) FROM component_version
                    WHERE component = ?1 AND (?2 IS NULL OR sort_key < ?2) ORDER BY sort_key DESC LIMIT ?3
                    """, arguments: [name, version.map(VersionSortKey.key(of:)), limit]
            ).map(Self.component(from:))
        }
    }

    func groups(
        running components: [ComponentID], limit: Int
    ) async throws -> [ComponentID: [String]] {
        try await database.read { db in
            var groups: [ComponentID: [String]] = [:]
            let statement = try db.cachedStatement(
                sql: """
                    SELECT DISTINCT deployment.fleet_group
                    FROM deployment_lock JOIN deployment ON deployment.sequence = deployment_lock.deployment
                    WHERE deployment_lock.component = ? AND deployment_lock.version = ?
                        AND deployment.sequence = (
                            SELECT max(newest.sequence) FROM deployment AS newest
                            WHERE newest.fleet_group = deployment.fleet_group)
                    ORDER BY deployment.fleet_group LIMIT ?
                    """)
            for id in components where groups[id] == nil {
                let names = try String.fetchAll(
                    statement, arguments: [id.component, id.version.description, limit])
                if !names.isEmpty { groups[id] = names }
            }
            return groups
        }
    }

    // MARK: Choosing

    func names() async throws -> [String] {
        try await database.read { db in
            try String.fetchAll(
                db, sql: "SELECT name FROM component ORDER BY name LIMIT ?",
                arguments: [Self.maximumComponents])
        }
    }

    func outputs(of components: Set<ComponentID>) async throws -> [ComponentID: [PublishedTopic]] {
        try await database.read { db in
            var outputs: [ComponentID: [PublishedTopic]] = [:]
            for id in components {
                outputs[id] = try Self.component(id.component, id.version, in: db)?.outputs
            }
            return outputs
        }
    }

    func mayRun(_ component: ComponentID, core: String) async throws -> Bool {
        try await database.read { db in
            try Bool.fetchOne(
                db,
                sql:
                    "SELECT EXISTS (SELECT * FROM core_component WHERE core = ? AND component = ? AND version = ?)",
                arguments: [core, component.component, component.version.description]) ?? false
        }
    }

    // MARK: Rows

    /// Everything but the recipe's text.
    private static let columns = "component, version, digest, description, create_time, outputs"

    private static func component(
        _ name: String, _ version: SemanticVersion, in db: Database
    ) throws -> ComponentRecord? {
        try Row.fetchOne(
            db, sql: "SELECT \(columns) FROM component_version WHERE component = ? AND sort_key = ?",
            arguments: [name, VersionSortKey.key(of: version)]
        ).map(component(from:))
    }

    private static func component(from row: Row) throws -> ComponentRecord {
        ComponentRecord(
            name: row["component"], version: try version(row["version"]), description: row["description"],
            digest: [UInt8](row["digest"] as Data), createTime: Date(milliseconds: row["create_time"]),
            outputs: try JSONText.decode([StoredOutput].self, from: row["outputs"]).map { try $0.topic() })
    }

    static func version(_ text: String) throws -> SemanticVersion {
        do throws(InvalidVersion) {
            return try SemanticVersion(parsing: text)
        } catch {
            throw CorruptRecord("the version of a component: \(error)")
        }
    }
}

/// An output as it is stored: its topic, none where the recipe computes it or a program publishes it.
private struct StoredOutput: Codable {
    var literal: String?
    /// Nil for an output of a transform.
    var unknown: Bool?

    init(_ output: PublishedTopic) {
        switch output {
        case .literal(let topic): literal = topic.description
        case .computed: break
        case .unknown: unknown = true
        }
    }

    func topic() throws -> PublishedTopic {
        guard let literal else { return unknown == true ? .unknown : .computed }
        do throws(InvalidTopic) {
            return .literal(try Topic(literal))
        } catch {
            throw CorruptRecord("the topic of a component's output: \(error)")
        }
    }
}
