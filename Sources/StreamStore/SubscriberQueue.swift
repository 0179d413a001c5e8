public import Foundation
public import GRDB

/// Messages that wait, durably, for a subscriber who was away or is slow (QoS 1).
///
/// Bounded per subscriber: 1,000 messages or 24 hours; what falls out is the oldest, and is counted
/// (semantics, section 2). Every method runs inside a transaction of the caller's.
public enum SubscriberQueue {
    /// Most messages of one subscriber.
    public static let maximumMessages = 1_000
    /// Longest wait, microseconds: 24 hours.
    public static let maximumAge: Int64 = 24 * 3_600 * 1_000_000

    /// A waiting message.
    public struct Item: Sendable {
        /// Ascending; never used twice.
        public let id: Int64
        /// What was put in.
        public let payload: Data
    }

    /// Makes the tables.
    public static func createTables(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE queued_message (
                    id INTEGER PRIMARY KEY AUTOINCREMENT, subscriber TEXT NOT NULL,
                    queued INTEGER NOT NULL, payload BLOB NOT NULL);
                CREATE INDEX queued_message_subscriber ON queued_message (subscriber, id);
                CREATE TABLE queue_state (
                    subscriber TEXT PRIMARY KEY, count INTEGER NOT NULL, dropped INTEGER NOT NULL) WITHOUT ROWID;
                """)
    }

    /// Adds a message at the end; at the bound the oldest falls out and is counted.
    public static func enqueue(_ db: Database, subscriber: String, payload: Data, now: Int64) throws {
        try db.cachedStatement(
            sql: "INSERT INTO queued_message (subscriber, queued, payload) VALUES (?, ?, ?)"
        )
        .execute(arguments: [subscriber, now, payload])
        try db.cachedStatement(
            sql: """
                INSERT INTO queue_state (subscriber, count, dropped) VALUES (?, 1, 0)
                ON CONFLICT DO UPDATE SET count = count + 1
                """
        ).execute(arguments: [subscriber])
        try drop(
            db, subscriber: subscriber,
            where: """
                id IN (SELECT id FROM queued_message WHERE subscriber = ?1 ORDER BY id LIMIT max(0,
                    (SELECT count FROM queue_state WHERE subscriber = ?1) - ?2))
                """, argument: Int64(maximumMessages))
    }

    /// Lets messages fall out that waited too long.
    public static func expire(_ db: Database, subscriber: String, now: Int64) throws {
        try drop(
            db, subscriber: subscriber, where: "subscriber = ?1 AND queued < ?2", argument: now - maximumAge)
    }

    /// The oldest messages behind an id.
    public static func next(
        _ db: Database, subscriber: String, after id: Int64, limit: Int
    ) throws -> [Item] {
        let statement = try db.cachedStatement(
            sql: "SELECT id, payload FROM queued_message WHERE subscriber = ? AND id > ? ORDER BY id LIMIT ?")
        return try Row.fetchAll(statement, arguments: [subscriber, id, limit]).map {
            Item(id: $0[0], payload: $0[1])
        }
    }

    /// Takes out messages that the subscriber is done with; ids of others are ignored.
    public static func acknowledge(_ db: Database, subscriber: String, ids: [Int64]) throws {
        let statement = try db.cachedStatement(
            sql: "DELETE FROM queued_message WHERE id = ? AND subscriber = ?")
        var count = 0
        for id in ids {
            try statement.execute(arguments: [id, subscriber])
            count += db.changesCount
        }
        try db.cachedStatement(sql: "UPDATE queue_state SET count = count - ? WHERE subscriber = ?")
            .execute(arguments: [count, subscriber])
    }

    /// How many messages fell out since this was last asked.
    public static func takeDropped(_ db: Database, subscriber: String) throws -> UInt64 {
        let select = try db.cachedStatement(sql: "SELECT dropped FROM queue_state WHERE subscriber = ?")
        let dropped = try Int64.fetchOne(select, arguments: [subscriber]) ?? 0
        if dropped > 0 {
            try db.cachedStatement(sql: "UPDATE queue_state SET dropped = 0 WHERE subscriber = ?")
                .execute(arguments: [subscriber])
        }
        return UInt64(dropped)
    }

    /// How many messages wait.
    public static func depth(_ db: Database, subscriber: String) throws -> Int {
        let statement = try db.cachedStatement(sql: "SELECT count FROM queue_state WHERE subscriber = ?")
        return try Int.fetchOne(statement, arguments: [subscriber]) ?? 0
    }

    /// Counts anew, after messages may have been lost.
    public static func recount(_ db: Database) throws {
        try db.execute(
            sql: """
                UPDATE queue_state SET count = 0;
                INSERT INTO queue_state (subscriber, count, dropped)
                    SELECT subscriber, count(*), 0 FROM queued_message WHERE true GROUP BY subscriber
                    ON CONFLICT DO UPDATE SET count = excluded.count;
                """)
    }

    private static func drop(
        _ db: Database, subscriber: String, where condition: String, argument: Int64
    ) throws {
        try db.cachedStatement(sql: "DELETE FROM queued_message WHERE \(condition)")
            .execute(arguments: [subscriber, argument])
        let count = db.changesCount
        guard count > 0 else { return }
        try db.cachedStatement(
            sql: "UPDATE queue_state SET count = count - ?, dropped = dropped + ? WHERE subscriber = ?"
        ).execute(arguments: [count, count, subscriber])
    }
}
