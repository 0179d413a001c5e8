public import Foundation
public import GRDB

/// What was saved out of a damaged database.
public struct SalvageReport: Hashable, Sendable {
    /// When.
    public let time: Date
    /// What was found.
    public let cause: String
    /// Rows that were saved.
    public let saved: Int
    /// Rows and pages of rows that could not be read.
    public let unreadable: Int

    /// Makes a report.
    public init(time: Date, cause: String, saved: Int, unreadable: Int) {
        self.time = time
        self.cause = cause
        self.saved = saved
        self.unreadable = unreadable
    }

    /// Makes the table of the reports on a database.
    public static func createTable(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE database_salvage (
                    time INTEGER NOT NULL, cause TEXT NOT NULL, saved INTEGER NOT NULL, unreadable INTEGER NOT NULL
                ) STRICT
                """)
    }

    /// The reports on a database, the newest first; none where it has no table for them.
    public static func all(_ db: Database) throws -> [SalvageReport] {
        guard try db.tableExists("database_salvage") else { return [] }
        return try Row.fetchAll(
            db, sql: "SELECT time, cause, saved, unreadable FROM database_salvage ORDER BY time DESC LIMIT 10"
        ).compactMap { row in
            guard let time = row.integer(0), let cause = row.text(1), let saved = row.integer(2),
                let unreadable = row.integer(3)
            else { return nil }
            return SalvageReport(
                time: Date(timeIntervalSince1970: Double(time)), cause: cause, saved: Int(saved),
                unreadable: Int(unreadable))
        }
    }

    func save(_ db: Database) throws {
        guard try db.tableExists("database_salvage") else { return }
        try db.execute(
            sql: "INSERT INTO database_salvage (time, cause, saved, unreadable) VALUES (?, ?, ?, ?)",
            arguments: [Int64(time.timeIntervalSince1970), cause, saved, unreadable])
    }
}
