import Foundation
import GRDB
import Logging

/// Makes a new database of what can be read of a damaged one.
///
/// The new file is made beside the old one, and takes its place only when it is whole; the old one stays as
/// `….damaged-TIME`, with its log. Interrupted at any instant, the next start finds either the damaged file as it was,
/// or ends what was begun.
struct DatabaseSalvage {
    /// Most damaged files that are kept.
    static let keptFiles = 2

    let path: String
    let migrate: (inout DatabaseMigrator) -> Void
    let recovery: DatabaseRecovery
    let now: Date

    private var unfinished: String { path + ".salvage" }
    private var finished: String { path + ".salvaged" }
    private static func marker(_ path: String) -> String { path + ".damaged" }

    /// Lets the next opening of a database begin with a salvage, because something was met that its checks may not find.
    static func requestAtNextOpening(of path: String) { RawFile.touch(marker(path)) }

    /// What is known to be wrong before the file is opened; opening it could destroy what is left in the log.
    func knownDamage() -> String? {
        if RawFile.exists(Self.marker(path)) { return "it was found damaged while the program ran" }
        guard let pages = DatabasePages(path: path), pages.isLogBroken else { return nil }
        return "its log is damaged in front of whole transactions"
    }

    /// Makes the new database and puts it in the old one's place.
    ///
    /// - Throws: ``StorageError`` where a newer version wrote the file, or where there is no room.
    func run(cause: String) throws -> SalvageReport {
        makeRoom()
        remove(unfinished)
        let report: SalvageReport
        do {
            report = try copy(cause: cause)
        } catch {
            remove(unfinished)
            throw (error as? DatabaseError).map { StorageError($0, path: path) } ?? error
        }
        guard RawFile.sync(unfinished), RawFile.move(unfinished, to: finished) else {
            throw StorageError.failed(path: path, detail: "its repaired copy cannot be written")
        }
        try finish()
        return report
    }

    /// Ends what an earlier process began: puts a whole new database in the damaged one's place.
    func finish() throws {
        guard RawFile.exists(finished) else { return }
        let aside = "\(path).damaged-\(Self.stamp(now))"
        // The log belongs to the old file: it must be away before the new one is there.
        if RawFile.exists(path), !RawFile.move(path, to: aside) { throw stuck }
        if RawFile.exists(path + "-wal"), !RawFile.move(path + "-wal", to: aside + "-wal") { throw stuck }
        try? FileManager.default.removeItem(atPath: path + "-shm")
        guard RawFile.move(finished, to: path), RawFile.sync(folder) else { throw stuck }
        try? FileManager.default.removeItem(atPath: Self.marker(path))
        prune(keeping: Self.keptFiles)
    }

    private var stuck: StorageError {
        .inaccessible(path: path, detail: "its repaired copy cannot be put in its place")
    }

    private var folder: String { (path as NSString).deletingLastPathComponent }

    private static func stamp(_ time: Date) -> String {
        time.formatted(.iso8601.dateSeparator(.omitted).timeSeparator(.omitted))
    }

    private func remove(_ path: String) {
        for suffix in ["", "-journal", "-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: path + suffix)
        }
    }

    /// Deletes the oldest damaged files.
    private func prune(keeping count: Int) {
        let prefix = (path as NSString).lastPathComponent + ".damaged-"
        let all = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let files = all.filter { $0.hasPrefix(prefix) && !$0.hasSuffix("-wal") }.sorted()
        for file in files.dropLast(count) { remove(folder + "/" + file) }
    }

    /// What was damaged before must not keep this from being saved.
    private func makeRoom() {
        let size = RawFile(path: path)?.size ?? 0
        guard let free = RawFile.freeBytes(at: folder), free < Int64(size) else { return }
        prune(keeping: 0)
    }

    // MARK: Copying

    private func copy(cause: String) throws -> SalvageReport {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        configuration.label = "hedgerow-salvage"
        let queue = try DatabaseQueue(path: unfinished, configuration: configuration)
        defer { try? queue.close() }
        try queue.writeWithoutTransaction { db in
            // It counts only when it is whole: then it is synced at once.
            try db.execute(sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
        }
        var migrator = DatabaseMigrator()
        migrate(&migrator)
        try migrator.migrate(queue)
        let known = Set(migrator.migrations)
        return try queue.write { db in
            var saved = 0
            var unreadable = 0
            if let pages = DatabasePages(path: path) {
                var trees = DatabaseTrees(pages)
                (saved, unreadable) = try copy(from: &trees, known: known, to: db)
            }
            try recovery.repair(db)
            let report = SalvageReport(time: now, cause: cause, saved: saved, unreadable: unreadable)
            try report.save(db)
            return report
        }
    }

    private func copy(
        from trees: inout DatabaseTrees, known: Set<String>, to db: Database
    ) throws -> (saved: Int, unreadable: Int) {
        let schema = trees.schema()
        func root(of name: String) -> Int? { schema.first { $0.kind == "table" && $0.name == name }?.root }
        if let root = root(of: "grdb_migrations") {
            try trees.walk(root: root, isTable: true) { record in
                guard let name = record.values.first.flatMap({ String.fromDatabaseValue($0) }) else { return }
                if !known.contains(name) { throw StorageError.newerVersion(path: path) }
            }
        }
        let tables = try SalvageTable.all(db)
        var saved = 0
        var refused = 0
        var isAnyMissing = false
        for table in tables {
            guard let root = root(of: table.name) else {
                isAnyMissing = true
                continue
            }
            try trees.walk(root: root, isTable: table.hasRowIDs) { record in
                if try table.insert(record, db) { saved += 1 } else { refused += 1 }
            }
        }
        if let root = root(of: "sqlite_sequence") {
            try trees.walk(root: root, isTable: true) { try Self.raiseSequence($0, db) }
        }
        // What else is in the file: indexes, which are made anew. Their pages are no strays.
        for entry in schema where entry.kind == "index" {
            trees.walk(root: entry.root, isTable: false) { _ in }
        }
        if trees.unreadable > 0 || isAnyMissing {
            for hasRowIDs in [true, false] {
                let candidates = tables.filter {
                    $0.hasRowIDs == hasRowIDs && recovery.strayTables.contains($0.name)
                }
                try trees.walkStrays(isTable: hasRowIDs) { record in
                    let fitting = candidates.filter { $0.fits(record) }
                    if fitting.count == 1, try fitting[0].insert(record, db) { saved += 1 }
                }
            }
        }
        return (saved, trees.unreadable + refused)
    }

    /// Ids that were given out are not given out again, whether or not their rows are still there.
    private static func raiseSequence(_ record: DatabaseTrees.Record, _ db: Database) throws {
        guard record.values.count == 2, let name = String.fromDatabaseValue(record.values[0]),
            let last = Int64.fromDatabaseValue(record.values[1]), last >= 0, try db.tableExists(name)
        else { return }
        try db.execute(
            sql: "DELETE FROM sqlite_sequence WHERE name = ?1 AND seq <= ?2", arguments: [name, last])
        try db.execute(
            sql: """
                INSERT INTO sqlite_sequence (name, seq) SELECT ?1, ?2
                WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)
                """, arguments: [name, last])
    }
}
