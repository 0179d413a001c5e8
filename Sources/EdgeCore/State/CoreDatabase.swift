import Foundation
public import GRDB
public import Logging
import ShadowStore
import StreamStore

/// The core's one database file.
///
/// Its tables here: `core` (whose it is), `active_deployment` (the revision that runs), `carried_thing` (every
/// thing that any revision ever named: for these the core may speak, semantics section 2), `revoked_certificate`,
/// `previous_deployment` (the last revision that settled before it), `deployment` (where the newest deployment is, and
/// how those before it ended), `recipe` (the recipes of the revision that runs and of the one before it),
/// `database_salvage` (when a damaged file was replaced by what could be read of it).
/// The tables of the telemetry are registered by ``CoreServer/registerTelemetryMigrations(_:)``.
public enum CoreDatabase {
    /// Opens or makes the database. Blocks on the disk.
    ///
    /// Where it is damaged, what can be read is saved into a new one. A core whose deployment is among what was lost
    /// runs the one before it, or waits for the cloud's (``ActiveRevision``); it is no new core, as its identity lies
    /// elsewhere.
    ///
    /// - Throws: ``StateError`` where it is of a newer version or inaccessible.
    public static func open(path: String, logger: Logger) throws -> DatabasePool {
        do {
            DiskRoom.makeRoomToOpen(database: path)
            return try DurableDatabase.open(
                path: path, migrate: registerMigrations,
                bulkTables: DurableStreams.bulkTables.union(["queued_message", "inbox_entry"]),
                recovery: recovery,
                logger: logger)
        } catch {
            throw StateError(
                .damaged, path: path,
                "the core's database \(path) cannot be used (\(error)); restore the state directory from a backup, or "
                    + "move it away and enrol this core anew with a new token: what it had not yet forwarded is then "
                    + "lost")
        }
    }

    /// Ends what an interrupted start began, so that the file is there. Blocks on the disk.
    static func finishRecovery(path: String) throws {
        do {
            try DurableDatabase.finishRecovery(path: path)
        } catch {
            throw StateError(.inaccessible, path: path, "\(error)")
        }
    }

    /// The error that a core ends with: damage of its database says that it is to be started again.
    static func ending(_ error: any Error, path: String) -> any Error {
        guard case StorageError.damaged(_, let detail) = error else { return error }
        return StateError(
            .damagedWhileRunning, path: path,
            "the core's database \(path) turned out to be damaged (\(detail)); start the core again: it saves what can be "
                + "read")
    }

    private static let recovery = DatabaseRecovery(
        strayTables: DurableStreams.strayTables.union([
            "publisher_cursor", "thing_coverage", "derived_coverage",
        ]),
        verify: { try DurableStreams.verify($0) },
        repair: { db in
            try DurableStreams.repair(db, unownedTo: "default")
            try SubscriberQueue.recount(db)
            try StoredInbox.recount(db)
        })

    /// Closes it in order. Blocks on the disk.
    static func close(_ database: DatabasePool) throws { try DurableDatabase.close(database) }

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
        migrator.registerMigration("storage-2") { db in try SalvageReport.createTable(db) }
        migrator.registerMigration("deployment-3") { db in
            try StoredRevision.createTable(db)
            try DeploymentRecord.createTable(db)
        }
        migrator.registerMigration("inbox-1") { db in try StoredInbox.createTables(db) }
        ShadowSchema.register(in: &migrator)
    }
}
