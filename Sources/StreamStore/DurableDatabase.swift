public import Foundation
public import GRDB
public import Logging

/// Opens SQLite so that a commit is on the disk when it returns.
///
/// GRDB puts a database into WAL mode and then sets `synchronous = NORMAL`, with which a commit survives
/// a killed process but not a power cut. This sets `FULL` (2) on the writer afterwards, reads it back,
/// and refuses to go on with anything less (https://sqlite.org/pragma.html#pragma_synchronous). The one
/// writing connection also checkpoints; readers never do.
///
/// ## A sync that fails
///
/// The kernel may forget, after a failed fsync, that the pages were never written, and the next fsync then succeeds
/// without them. A commit whose sync failed is therefore a commit that never was: SQLite leaves the end of its log
/// where it stood, and the next transaction writes the same place of the log again, so that all pages that the failed
/// sync may have dropped are dirty anew before the next one (`sqlite3WalFrames` in wal.c begins at `hdr.mxFrame`, which
/// only a commit that was synced moves). The same holds for a checkpoint: it syncs the file before it notes how far it
/// came, and begins again where it noted (`walCheckpoint`, `nBackfill`). So the file is not reopened; and nothing is
/// acknowledged by anybody until a sync has succeeded.
///
/// ## Damage
///
/// Looking through a large file takes long, on a memory card minutes. At the start a file of up to
/// ``wholeCheckBytes`` is looked through as a whole (`integrity_check`), up to ``uncleanCheckBytes`` where the program did
/// not end in order, as its log shows; of a larger one every tree is checked (`quick_check`) but those of the tables
/// that hold the bulk of it. What is wrong there shows when it is read: every batch carries sums of its
/// own, and what SQLite itself finds ends the program, so that the next start saves what can be read into a new file
/// (``DatabaseRecovery``). Without rules for that, a damaged database is refused.
public enum DurableDatabase {
    /// Most readers at once. Default: 4.
    public static let maximumReaders = 4
    /// Pages in the log after which a commit copies them into the file. Default: 4,000 (16 MiB).
    public static let checkpointPages = 4_000
    /// The largest file that is looked through as a whole at every start: 16 MiB.
    public static let wholeCheckBytes = 16 << 20
    /// The largest file that is looked through as a whole at a start that follows no orderly end: 64 MiB.
    public static let uncleanCheckBytes = 64 << 20

    /// Opens or makes a database and brings its tables up to date.
    ///
    /// Blocks on the disk: call it at start-up, outside the cooperative thread pool where that matters.
    ///
    /// - Parameters:
    ///   - path: The file. Its folder must exist.
    ///   - migrate: Registers the migrations, in their order.
    ///   - bulkTables: Tables that hold most of a large file; their trees are then not checked at the start.
    ///   - recovery: What may be done where the file is damaged. Without it, it is refused.
    ///   - now: The time, for the name of a damaged file.
    ///   - logger: Told what is opened, and what was saved.
    /// - Throws: ``StorageError`` where the file is damaged, of a newer version, or cannot be made durable.
    public static func open(
        path: String, migrate: (inout DatabaseMigrator) -> Void, bulkTables: Set<String> = [],
        recovery: DatabaseRecovery? = nil, now: Date = Date(), logger: Logger
    ) throws -> DatabasePool {
        guard let recovery else { return try openSound(path: path, migrate, bulkTables, nil, logger) }
        return try withoutActuallyEscaping(migrate) { migrate in
            let salvage = DatabaseSalvage(path: path, migrate: migrate, recovery: recovery, now: now)
            try salvage.finish()
            var cause = salvage.knownDamage()
            if cause == nil {
                do {
                    return try openSound(path: path, migrate, bulkTables, recovery, logger)
                } catch StorageError.damaged(_, let detail) {
                    cause = detail
                }
            }
            logger.error(
                "the database is damaged; what can be read is saved into a new one",
                metadata: ["database.path": "\(path)", "error.message": "\(cause ?? "")"])
            let report = try salvage.run(cause: cause ?? "")
            let pool = try openSound(path: path, migrate, bulkTables, recovery, logger)
            logger.error(
                "a damaged database was replaced; the old file is kept beside it as .damaged-TIME",
                metadata: [
                    "database.path": "\(path)", "rows.saved": "\(report.saved)",
                    "rows.unreadable": "\(report.unreadable)", "error.message": "\(report.cause)",
                ])
            return pool
        }
    }

    /// Ends what an interrupted start began, so that the file is there. Does nothing otherwise.
    public static func finishRecovery(path: String, now: Date = Date()) throws {
        try DatabaseSalvage(path: path, migrate: { _ in }, recovery: DatabaseRecovery(), now: now).finish()
    }

    /// Lets the next opening of a database save what can be read, whatever its checks say.
    public static func requestRecovery(path: String) { DatabaseSalvage.requestAtNextOpening(of: path) }

    /// Closes a database in order: with nothing left in its log, which is how the next start knows. Blocks on the disk.
    public static func close(_ pool: DatabasePool) throws {
        // Where that fails, the log stays, and nothing is lost.
        _ = try? pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        try pool.close()
    }

    /// The value of `PRAGMA synchronous` on the writing connection.
    public static func synchronous(of pool: DatabasePool) throws -> Int {
        try pool.writeWithoutTransaction { try Int.fetchOne($0, sql: "PRAGMA synchronous") ?? -1 }
    }

    private static func openSound(
        path: String, _ migrate: (inout DatabaseMigrator) -> Void, _ bulkTables: Set<String>,
        _ recovery: DatabaseRecovery?, _ logger: Logger
    ) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.label = "hedgerow"
        configuration.maximumReaderCount = maximumReaders
        configuration.busyMode = .timeout(10)
        configuration.foreignKeysEnabled = true
        let limit = RawFile.size(of: path + "-wal") > 0 ? uncleanCheckBytes : wholeCheckBytes
        let isSmall = RawFile.size(of: path) <= limit
        var opened: DatabasePool?
        do {
            let pool = try DatabasePool(path: path, configuration: configuration)
            opened = pool
            try makeDurable(pool, path: path)
            try pool.read { try check($0, path: path, except: isSmall ? [] : bulkTables) }
            var migrator = DatabaseMigrator()
            migrate(&migrator)
            if try pool.read({ try migrator.hasBeenSuperseded($0) }) {
                throw StorageError.newerVersion(path: path)
            }
            try migrator.migrate(pool)
            if let recovery { try pool.read(recovery.verify) }
            logger.debug("database opened", metadata: ["database.path": "\(path)"])
            return pool
        } catch {
            try? opened?.close()
            throw (error as? DatabaseError).map { StorageError($0, path: path) } ?? error
        }
    }

    /// Looks through the whole file, or through all tables but some.
    private static func check(_ db: Database, path: String, except bulk: Set<String>) throws {
        var checks = ["PRAGMA integrity_check(1)"]
        if !bulk.isEmpty {
            checks = try String.fetchAll(db, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
                .filter {
                    !bulk.contains($0)
                }.map { "PRAGMA quick_check(\($0.quotedDatabaseIdentifier))" }
        }
        for sql in checks {
            let verdict = try String.fetchOne(db, sql: sql)
            guard verdict == "ok" else {
                throw StorageError.damaged(path: path, detail: verdict ?? "no answer to the check")
            }
        }
    }

    private static func makeDurable(_ pool: DatabasePool, path: String) throws {
        try pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
            // Space of deleted rows is reused; the file itself is kept from growing by a bounded log.
            try db.execute(sql: "PRAGMA journal_size_limit = 67108864")
            // Pages of 4 KiB: what is stored and soon freed again is then seldom written into the file as well.
            try db.execute(sql: "PRAGMA wal_autocheckpoint = \(checkpointPages)")
        }
        let value = try synchronous(of: pool)
        guard value == 2 else { throw StorageError.notDurable(path: path, synchronous: value) }
        let mode = try pool.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") }
        guard mode == "wal" else {
            throw StorageError.damaged(path: path, detail: "journal mode is \(mode ?? "unknown"), not wal")
        }
    }
}
