import Foundation
import GRDB
import Messaging
import StreamStore

/// How far the output of each component is accounted for on the way to the cloud, as ``CoverageTable`` says it of
/// the things' own messages: one row per (thing's stream, epoch, output).
struct DerivedCoverageTable {
    /// Most outputs of one epoch; those that moved last are kept. Paths of instances that are long gone fall out.
    static let maximumOutputs = 4_096

    private let db: Database

    init(_ db: Database) { self.db = db }

    static func createTable(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE derived_coverage (
                    thing TEXT NOT NULL, epoch BLOB NOT NULL, output TEXT NOT NULL, covered INTEGER NOT NULL,
                    moved INTEGER NOT NULL, PRIMARY KEY (thing, epoch, output)) STRICT, WITHOUT ROWID
                """)
    }

    /// Everything that is known of an epoch, by output.
    func covered(thing: String, epoch: Epoch) throws -> [String: UInt64] {
        let statement = try db.cachedStatement(
            sql: "SELECT output, covered FROM derived_coverage WHERE thing = ? AND epoch = ?")
        var result: [String: UInt64] = [:]
        let rows = try Row.fetchCursor(statement, arguments: [thing, Data(epoch.bytes)])
        while let row = try rows.next() { result[row[0]] = UInt64(row[1] as Int64) }
        return result
    }

    func set(thing: String, epoch: Epoch, output: String, covered: UInt64, now: Int64) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO derived_coverage VALUES (?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET covered = excluded.covered, moved = excluded.moved
                """
        ).execute(arguments: [thing, Data(epoch.bytes), output, Int64(covered), now])
    }

    /// Forgets all but a thing's newest epochs, as its cursors do, and of those all but the newest outputs.
    func prune(thing: String) throws {
        try db.cachedStatement(
            sql: """
                DELETE FROM derived_coverage WHERE thing = ?1 AND epoch NOT IN (
                    SELECT epoch FROM derived_coverage WHERE thing = ?1
                    GROUP BY epoch ORDER BY max(moved) DESC LIMIT ?2)
                """
        ).execute(arguments: [thing, PublisherCursors.maximumEpochs])
    }

    /// Forgets all but the outputs of an epoch that moved last.
    func pruneOutputs(thing: String, epoch: Epoch) throws {
        try db.cachedStatement(
            sql: """
                DELETE FROM derived_coverage WHERE thing = ?1 AND epoch = ?2 AND output IN (
                    SELECT output FROM derived_coverage WHERE thing = ?1 AND epoch = ?2
                    ORDER BY moved DESC LIMIT -1 OFFSET ?3)
                """
        ).execute(arguments: [thing, Data(epoch.bytes), Self.maximumOutputs])
    }
}
