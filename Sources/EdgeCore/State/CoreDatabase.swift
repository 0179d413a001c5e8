import FoundationEssentials
public import GRDB
public import Logging
import StreamStore

/// The core's one database file.
///
/// Its tables here: `core` (whose it is), `active_deployment` (the revision that runs), `carried_thing` (every
/// thing that any revision ever named: for these the core may speak, semantics section 2), `revoked_certificate`,
/// `recipe` (the recipes of the revision that runs and of the one before it).
/// The tables of the telemetry are registered by ``CoreServer/registerTelemetryMigrations(_:)``.
public enum CoreDatabase {
    /// Opens or makes the database. Blocks on the disk.
    ///
    /// - Throws: ``StateError`` where it is damaged, of a newer version or inaccessible.
    public static func open(path: String, logger: Logger) throws -> DatabasePool {
        do {
            return try DurableDatabase.open(path: path, migrate: registerMigrations, logger: logger)
        } catch {
            throw StateError(
                .damaged, path: path,
                "the core's database \(path) cannot be used (\(error)); restore the state directory from a backup, or "
                    + "move it away and enrol this core anew with a new token: what it had not yet forwarded is then "
                    + "lost")
        }
    }

    /// Says whose database this is, the first time; checks it every other time.
    ///
    /// - Throws: ``StateError`` `foreign` where it belongs to another core.
    static func claim(_ database: DatabasePool, core: String, trustDomain: String) async throws {
        let owner = try await database.write { db -> (String, String) in
            if let row = try Row.fetchOne(db, sql: "SELECT name, trust_domain FROM core WHERE id = 1") {
                return (row["name"], row["trust_domain"])
            }
            try db.execute(
                sql: "INSERT INTO core (id, name, trust_domain) VALUES (1, ?, ?)",
                arguments: [core, trustDomain])
            return (core, trustDomain)
        }
        guard owner == (core, trustDomain) else {
            throw StateError(
                .foreign, path: database.path,
                "\(database.path) belongs to the core \"\(owner.0)\" of \(owner.1), and the identity beside it to "
                    + "\"\(core)\" of \(trustDomain); give each core a state directory of its own")
        }
    }

    /// The core that the database says it belongs to; nil where it was never claimed.
    static func owner(_ database: DatabasePool) async throws -> String? {
        try await database.read { try String.fetchOne($0, sql: "SELECT name FROM core WHERE id = 1") }
    }

    static func registerMigrations(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("deployment-1") { db in
            try db.execute(
                sql: """
                    CREATE TABLE core (
                        id INTEGER PRIMARY KEY CHECK (id = 1),
                        name TEXT NOT NULL,
                        trust_domain TEXT NOT NULL
                    ) STRICT;
                    CREATE TABLE active_deployment (
                        id INTEGER PRIMARY KEY CHECK (id = 1),
                        deployment_id TEXT NOT NULL,
                        group_name TEXT NOT NULL,
                        revision INTEGER NOT NULL,
                        definition BLOB NOT NULL,
                        digest BLOB NOT NULL,
                        apply_time INTEGER NOT NULL
                    ) STRICT;
                    CREATE TABLE carried_thing (
                        name TEXT NOT NULL PRIMARY KEY
                    ) STRICT, WITHOUT ROWID;
                    CREATE TABLE revoked_certificate (
                        serial_number TEXT NOT NULL PRIMARY KEY
                    ) STRICT, WITHOUT ROWID;
                    """)
        }
        CoreServer.registerTelemetryMigrations(&migrator)
        migrator.registerMigration("deployment-2") { db in try StoredRecipe.createTable(db) }
    }
}
