import Foundation
public import GRDB
public import Messaging

/// How far each publisher's epochs have come, durably: one row per (publisher, stream, epoch).
///
/// Every method runs inside a transaction of the caller's, together with the rows that the cursor speaks of.
public enum PublisherCursors {
    /// Most epochs kept for one (publisher, stream); the ones that moved last. A publisher that comes back
    /// with an older one starts that anew, and its origins keep anything from being stored twice.
    public static let maximumEpochs = 64

    /// Makes the table.
    public static func createTable(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE publisher_cursor (
                    publisher TEXT NOT NULL, stream TEXT NOT NULL, epoch BLOB NOT NULL,
                    cursor INTEGER NOT NULL, moved INTEGER NOT NULL,
                    PRIMARY KEY (publisher, stream, epoch)) WITHOUT ROWID
                """)
    }

    /// The cursor of an epoch; nil where it is not known.
    public static func cursor(
        _ db: Database, publisher: String, stream: String, epoch: Epoch
    ) throws -> UInt64? {
        let statement = try db.cachedStatement(
            sql: "SELECT cursor FROM publisher_cursor WHERE publisher = ? AND stream = ? AND epoch = ?")
        return try Int64.fetchOne(statement, arguments: [publisher, stream, Data(epoch.bytes)]).map {
            UInt64($0)
        }
    }

    /// Sets the cursor of an epoch.
    ///
    /// - Parameter now: Microseconds since 1970.
    public static func set(
        _ db: Database, publisher: String, stream: String, epoch: Epoch, cursor: UInt64, now: Int64
    ) throws {
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO publisher_cursor (publisher, stream, epoch, cursor, moved) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET cursor = excluded.cursor, moved = excluded.moved
                """)
        try statement.execute(arguments: [publisher, stream, Data(epoch.bytes), Int64(cursor), now])
    }

    /// The stream that an epoch of a publisher was used on before, where that is another one.
    ///
    /// Origins do not name streams, so that an epoch on two of them would give two messages one identity.
    public static func otherStream(
        _ db: Database, publisher: String, stream: String, epoch: Epoch
    ) throws -> String? {
        let statement = try db.cachedStatement(
            sql:
                "SELECT stream FROM publisher_cursor WHERE publisher = ? AND epoch = ? AND stream <> ? LIMIT 1"
        )
        return try String.fetchOne(statement, arguments: [publisher, Data(epoch.bytes), stream])
    }

    /// Forgets the epochs of a (publisher, stream) beyond ``maximumEpochs``; to be called when one is made.
    public static func prune(_ db: Database, publisher: String, stream: String) throws {
        try db.cachedStatement(
            sql: """
                DELETE FROM publisher_cursor WHERE publisher = ?1 AND stream = ?2 AND epoch NOT IN (
                    SELECT epoch FROM publisher_cursor WHERE publisher = ?1 AND stream = ?2
                    ORDER BY moved DESC LIMIT ?3)
                """
        ).execute(arguments: [publisher, stream, maximumEpochs])
    }
}
