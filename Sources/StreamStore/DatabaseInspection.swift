public import GRDB

/// What a look at a database found, without changing it and without being in a running program's way.
public struct DatabaseInspection: Hashable, Sendable {
    /// What SQLite's `quick_check` says: `ok`, or the first thing that is wrong.
    public let quickCheck: String
    /// The journal mode of the file: `wal`.
    public let journalMode: String
    /// When a damaged file was replaced by what could be read of it, the newest first.
    public let salvages: [SalvageReport]
    /// Whether the ballast is there (``DiskRoom``): where not, the disk is full, or was when the program looked last.
    public let hasBallast: Bool
    /// What `PRAGMA synchronous` reads back where it is set as the programs set it: 2 (FULL).
    public let synchronous: Int

    /// Whether the file is whole and commits in it survive a power cut.
    public var isSound: Bool { quickCheck == "ok" && journalMode == "wal" && synchronous == 2 }

    /// Looks at a database: opens it for reading only, as one more reader beside the program that uses it.
    ///
    /// Blocks; `quick_check` reads the whole file.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - body: reads more from it.
    /// - Throws: ``StorageError``; what `body` throws.
    public static func inspect<Value>(
        path: String, _ body: (Database) throws -> Value
    ) throws -> (DatabaseInspection, Value) {
        var configuration = Configuration()
        configuration.label = "hedgerow-inspection"
        configuration.readonly = true
        configuration.busyMode = .timeout(10)
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            return try queue.inDatabase { db in
                try db.execute(sql: "PRAGMA synchronous = FULL")
                let inspection = DatabaseInspection(
                    quickCheck: try String.fetchOne(db, sql: "PRAGMA quick_check(1)") ?? "no answer",
                    journalMode: try String.fetchOne(db, sql: "PRAGMA journal_mode") ?? "unknown",
                    salvages: try SalvageReport.all(db),
                    hasBallast: RawFile.exists(DiskRoom.ballastPath(forDatabase: path)),
                    synchronous: try Int.fetchOne(db, sql: "PRAGMA synchronous") ?? -1)
                return (inspection, try body(db))
            }
        } catch let error as DatabaseError {
            throw StorageError(error, path: path)
        }
    }
}
