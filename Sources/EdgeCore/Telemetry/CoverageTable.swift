import Foundation
import GRDB
import Messaging
import StreamStore

/// How far each thing's epochs are accounted for on the way to the cloud: what lies between this and the
/// thing's cursor was taken, and no route led it there yet.
struct CoverageTable {
    private let db: Database

    init(_ db: Database) { self.db = db }

    static func createTable(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE thing_coverage (
                    thing TEXT NOT NULL, epoch BLOB NOT NULL, covered INTEGER NOT NULL, moved INTEGER NOT NULL,
                    PRIMARY KEY (thing, epoch)) STRICT, WITHOUT ROWID
                """)
    }

    func covered(thing: String, epoch: Epoch) throws -> UInt64? {
        let statement = try db.cachedStatement(
            sql: "SELECT covered FROM thing_coverage WHERE thing = ? AND epoch = ?")
        return try Int64.fetchOne(statement, arguments: [thing, Data(epoch.bytes)]).map { UInt64($0) }
    }

    func set(thing: String, epoch: Epoch, covered: UInt64, now: Int64) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO thing_coverage VALUES (?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET covered = excluded.covered, moved = excluded.moved
                """
        ).execute(arguments: [thing, Data(epoch.bytes), Int64(covered), now])
    }

    /// Forgets all but a thing's newest epochs, as its cursors do.
    func prune(thing: String) throws {
        try db.cachedStatement(
            sql: """
                DELETE FROM thing_coverage WHERE thing = ?1 AND epoch NOT IN (
                    SELECT epoch FROM thing_coverage WHERE thing = ?1 ORDER BY moved DESC LIMIT ?2)
                """
        ).execute(arguments: [thing, PublisherCursors.maximumEpochs])
    }
}
