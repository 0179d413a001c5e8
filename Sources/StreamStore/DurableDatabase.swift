public import GRDB
public import Logging

/// Opens SQLite so that a commit is on the disk when it returns.
///
/// GRDB puts a database into WAL mode and then sets `synchronous = NORMAL`, with which a commit survives
/// a killed process but not a power cut. This sets `FULL` (2) on the writer afterwards, reads it back,
/// and refuses to go on with anything less (https://sqlite.org/pragma.html#pragma_synchronous). The one
/// writing connection also checkpoints; readers never do.
public enum DurableDatabase {
    /// Most readers at once. Default: 4.
    public static let maximumReaders = 4
    /// Pages in the log after which a commit copies them into the file. Default: 4,000 (16 MiB).
    public static let checkpointPages = 4_000

    /// Opens or makes a database and brings its tables up to date.
    ///
    /// Blocks on the disk: call it at start-up, outside the cooperative thread pool where that matters.
    ///
    /// - Parameters:
    ///   - path: The file. Its folder must exist.
    ///   - migrate: Registers the migrations, in their order.
    ///   - logger: Told what is opened.
    /// - Throws: ``StorageError`` where the file is damaged, of a newer version, or cannot be made durable.
    public static func open(
        path: String, migrate: (inout DatabaseMigrator) -> Void, logger: Logger
    ) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.label = "hedgerow"
        configuration.maximumReaderCount = maximumReaders
        configuration.busyMode = .timeout(10)
        configuration.foreignKeysEnabled = true
        let pool: DatabasePool
        do {
            pool = try DatabasePool(path: path, configuration: configuration)
            try makeDurable(pool, path: path)
            try pool.read { db in
                let verdict = try String.fetchOne(db, sql: "PRAGMA quick_check(1)")
                guard verdict == "ok" else {
                    throw StorageError.damaged(path: path, detail: verdict ?? "no answer to quick_check")
                }
            }
        } catch let error as DatabaseError {
            throw StorageError(error, path: path)
        }
        var migrator = DatabaseMigrator()
        migrate(&migrator)
        do {
            if try pool.read({ try migrator.hasBeenSuperseded($0) }) {
                throw StorageError.newerVersion(path: path)
            }
            try migrator.migrate(pool)
        } catch let error as DatabaseError {
            throw StorageError(error, path: path)
        }
        logger.debug("database opened", metadata: ["database.path": "\(path)"])
        return pool
    }

    /// The value of `PRAGMA synchronous` on the writing connection.
    public static func synchronous(of pool: DatabasePool) throws -> Int {
        try pool.writeWithoutTransaction { try Int.fetchOne($0, sql: "PRAGMA synchronous") ?? -1 }
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
