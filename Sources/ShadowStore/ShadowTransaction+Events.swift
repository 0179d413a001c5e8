public import Foundation
import GRDB
public import Shadows

/// What those who follow shadows are told. Nothing is remembered of them: they say where they are.
///
/// A change whose predecessor is not kept any more stands behind a gap, and is told as ``ShadowEvent/Kind-swift.enum/skipped(acceptedText:)``.
/// Who follows one shadow is told what it is now, and goes on from there; among many, what it was behind the gap, since
/// what came after that is told in its place.
extension ShadowTransaction {
    /// Events of one page.
    public static let eventsOfPage = 64
    /// A page ends early above so many bytes of documents.
    static let pageBytes = 1 << 20

    /// Names the database that numbers of changes are of, 16 bytes.
    public func databaseName() throws -> Data {
        guard
            let row = try Row.fetchOne(
                try db.cachedStatement(sql: "SELECT name FROM shadow_database WHERE id = 1"))
        else { throw DamagedShadow(description: "the table shadow_database is empty") }
        return try row.blob(0)
    }

    /// Number of the newest change.
    public func newestChange() throws -> Int64 {
        guard
            let row = try Row.fetchOne(
                try db.cachedStatement(sql: "SELECT change FROM shadow_database WHERE id = 1"))
        else { throw DamagedShadow(description: "the table shadow_database is empty") }
        return try row.integer(0)
    }

    /// Documents as they were at a change, in the order of their own changes.
    ///
    /// - Parameters:
    ///   - last: Goes on behind the change of this number.
    ///   - moment: Number of the change that was the newest when somebody began to follow. What came after it is told
    ///     as events.
    public func present(
        _ scope: ShadowScope, after last: Int64, asOf moment: Int64, limit: Int = eventsOfPage
    ) throws -> ShadowEventPage {
        let (condition, arguments) = Self.condition(scope)
        let statement = try db.cachedStatement(
            sql: """
                SELECT h.change, s.thing, s.name, h.incarnation, h.version, h.deleted, h.update_time, h.state,
                    h.metadata
                FROM (
                    SELECT change FROM (
                        SELECT change FROM (
                            SELECT s.change AS change FROM shadow s
                            WHERE s.change > ?1 AND s.change <= ?2 \(condition) ORDER BY s.change LIMIT ?3)
                        UNION ALL
                        SELECT (SELECT max(o.change) FROM shadow_history o
                            WHERE o.shadow = s.id AND o.change <= ?2) AS change
                        FROM shadow s WHERE s.change > ?2 \(condition)
                    ) WHERE change > ?1 ORDER BY change LIMIT ?3
                ) q JOIN shadow_history h ON h.change = q.change JOIN shadow s ON s.id = h.shadow
                ORDER BY h.change
                """)
        var page = Page(after: last)
        let rows = try Row.fetchCursor(statement, arguments: [last, moment, limit] + arguments)
        while let row = try rows.next() {
            let shadow = try Self.shadow(row, from: 3)
            var event: ShadowEvent?
            if case .present = shadow {
                event = ShadowEvent(
                    key: try Self.key(row, from: 1), change: try row.integer(0), shadow: shadow,
                    kind: .present)
            }
            if page.add(event, at: try row.integer(0), bytes: Self.bytes(row, 7)) { break }
        }
        return page.finished(limit: limit)
    }

    /// What happened behind a change.
    ///
    /// - Parameter last: Goes on behind the change of this number.
    public func events(
        _ scope: ShadowScope, after last: Int64, limit: Int = eventsOfPage
    ) throws -> ShadowEventPage {
        let (condition, arguments) = Self.condition(scope)
        let statement = try db.cachedStatement(
            sql: """
                SELECT h.change, s.thing, s.name, h.incarnation, h.version, h.deleted, h.update_time, h.state,
                    h.metadata, h.previous, h.token, h.accepted, p.change, p.incarnation, p.version, p.deleted,
                    p.update_time, p.state, p.metadata
                FROM shadow_history h JOIN shadow s ON s.id = h.shadow
                LEFT JOIN shadow_history p ON p.change = h.previous
                WHERE h.change > ?1 AND ?2 = ?2 \(condition) ORDER BY h.change LIMIT ?3
                """)
        var page = Page(after: last)
        let rows = try Row.fetchCursor(statement, arguments: [last, 0, limit] + arguments)
        while let row = try rows.next() {
            let change = try row.integer(0)
            let (key, shadow) = (try Self.key(row, from: 1), try Self.shadow(row, from: 3))
            let accepted = try row.text(11)
            let isFirst = try row.integer(9) == 0
            if !isFirst, try row.optionalInteger(12) == nil {
                if case .shadow = scope { return try skippingToPresent(key) }
                let event = ShadowEvent(
                    key: key, change: change, shadow: shadow, kind: .skipped(acceptedText: accepted))
                if page.add(event, at: change, bytes: Self.bytes(row, 7)) { break }
                continue
            }
            let before = isFirst ? nil : try Self.shadow(row, from: 13)
            let event = ShadowEvent(
                key: key, change: change, shadow: shadow,
                kind: .changed(
                    ShadowStep(
                        before: before, after: shadow, acceptedText: accepted,
                        clientToken: try row.optionalText(10))))
            if page.add(event, at: change, bytes: Self.bytes(row, 7) + Self.bytes(row, 17)) { break }
        }
        return page.finished(limit: limit)
    }

    /// Where somebody goes on who has seen a version of a shadow: the number of its change; nil where that is not kept,
    /// or never was.
    public func change(of key: ShadowKey, version: UInt64) throws -> Int64? {
        guard let id = try id(of: key) else { return nil }
        let statement = try db.cachedStatement(
            sql: """
                SELECT change FROM shadow_history WHERE shadow = ? AND version = ? ORDER BY change DESC LIMIT 1
                """)
        return try Row.fetchOne(statement, arguments: [id, Int64(clamping: version)]).map {
            try $0.integer(0)
        }
    }

    /// What a shadow is now, in the place of events that are not kept.
    public func skippingToPresent(_ key: ShadowKey) throws -> ShadowEventPage {
        let statement = try db.cachedStatement(
            sql: """
                SELECT h.change, h.accepted, h.incarnation, h.version, h.deleted, h.update_time, h.state, h.metadata
                FROM shadow s JOIN shadow_history h ON h.change = s.change WHERE s.thing = ? AND s.name = ?
                """)
        guard let row = try Row.fetchOne(statement, arguments: [key.thing, key.name]) else {
            return ShadowEventPage(events: [], last: try newestChange(), isAtEnd: true)
        }
        let event = ShadowEvent(
            key: key, change: try row.integer(0), shadow: try Self.shadow(row, from: 2),
            kind: .skipped(acceptedText: try row.text(1)))
        return ShadowEventPage(events: [event], last: event.change, isAtEnd: true)
    }

    // MARK: Parts

    private struct Page {
        var events: [ShadowEvent] = []
        var last: Int64
        var rows = 0
        var bytes = 0
        var isFull = false

        init(after last: Int64) { self.last = last }

        /// Adds an event, or passes over a row; true where that was the last that fits.
        mutating func add(_ event: ShadowEvent?, at change: Int64, bytes: Int) -> Bool {
            if let event { events.append(event) }
            last = change
            rows += 1
            self.bytes += bytes
            isFull = self.bytes > ShadowTransaction.pageBytes
            return isFull
        }

        func finished(limit: Int) -> ShadowEventPage {
            ShadowEventPage(events: events, last: last, isAtEnd: !isFull && rows < limit)
        }
    }

    private static func condition(_ scope: ShadowScope) -> (sql: String, arguments: StatementArguments) {
        switch scope {
        case .all: ("", [])
        case .thing(let thing): ("AND s.thing = ?4", [thing])
        case .shadow(let key): ("AND s.thing = ?4 AND s.name = ?5", [key.thing, key.name])
        }
    }

    /// Bytes of a state and its metadata.
    private static func bytes(_ row: Row, _ index: Int) -> Int {
        [index, index + 1].reduce(0) { sum, index in
            guard case .string(let text) = (row[index] as DatabaseValue).storage else { return sum }
            return sum + text.utf8.count
        }
    }
}
