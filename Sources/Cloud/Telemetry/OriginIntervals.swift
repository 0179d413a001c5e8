import Foundation
import GRDB
import Messaging

/// Ranges of origin sequences in one of the two tables that hold them.
///
/// For one transaction: what ``take(_:of:)`` has let grow is written by ``flush()`` at its end, and before
/// anything else is asked or said about the same sequences.
struct OriginIntervals {
    /// Whose sequences, with the thing as its row id.
    struct Key: Hashable {
        let thingID: Int64
        let epoch: Epoch
        let component: String
    }

    /// A range as it is stored.
    struct Stored {
        let range: SequenceRange
        /// Of declared ranges only.
        let reason: Int
        let stream: String
        let day: String
    }

    private let db: Database
    private let growing = GrowingRanges()

    init(_ db: Database) { self.db = db }

    // MARK: The common case

    /// Takes a range as received that directly follows what this transaction received last; false where that is
    /// not so, or where anything is known of the range already.
    func take(_ range: SequenceRange, of key: Key) -> Bool { growing.grow(by: range, of: key) }

    /// Lets the received range that ends with a sequence grow from now on.
    func expectMore(after last: UInt64, of key: Key) throws {
        try close(key)
        guard let range = try overlapping("telemetry_received", SequenceRange(only: last), key).first?.range,
            range.last == last
        else { return }
        var limit = UInt64(Int64.max)
        for table in ["telemetry_received", "telemetry_declared"] {
            let statement = try db.cachedStatement(
                sql: """
                    SELECT min(first) FROM \(table)
                    WHERE thing_id = ? AND epoch = ? AND component = ? AND first > ?
                    """)
            let next = try Int64.fetchOne(statement, arguments: arguments(key) + [Int64(last)])
            if let next { limit = min(limit, UInt64(next)) }
        }
        growing.keep(.init(first: range.first, last: last, limit: limit), of: key)
    }

    /// Writes what has grown.
    func flush() throws {
        for (key, range) in growing.takeAll() { try write(range, key) }
    }

    private func close(_ key: Key) throws {
        if let range = growing.take(key) { try write(range, key) }
    }

    private func write(_ range: GrowingRanges.Range, _ key: Key) throws {
        if range.isChanged { try setLast(range.last, ofReceived: range.first, key) }
    }

    private func setLast(_ last: UInt64, ofReceived first: UInt64, _ key: Key) throws {
        try db.cachedStatement(
            sql: """
                UPDATE telemetry_received SET last = ?
                WHERE thing_id = ? AND epoch = ? AND component = ? AND first = ?
                """
        ).execute(arguments: [Int64(last)] + arguments(key) + [Int64(first)])
    }

    // MARK: Received

    /// The parts of a range that were not received yet.
    func missing(from range: SequenceRange, of key: Key) throws -> [SequenceRange] {
        try close(key)
        let received = try overlapping("telemetry_received", range, key).map(\.range)
        return SequenceSet(received).missing(from: range)
    }

    /// Adds a range to what was received, merging it with its neighbours.
    func insertReceived(_ range: SequenceRange, of key: Key) throws {
        try close(key)
        let around =
            SequenceRange(range.first == 0 ? 0 : range.first - 1, range.last + 1) ?? range
        let neighbours = try overlapping("telemetry_received", around, key).map(\.range)
        var merged = range
        for neighbour in neighbours {
            merged.first = min(merged.first, neighbour.first)
            merged.last = max(merged.last, neighbour.last)
        }
        if neighbours.count == 1, neighbours[0].first == merged.first {
            // A range grows at its end.
            return try setLast(merged.last, ofReceived: merged.first, key)
        }
        for neighbour in neighbours { try delete("telemetry_received", neighbour, key) }
        try db.cachedStatement(sql: "INSERT INTO telemetry_received VALUES (?, ?, ?, ?, ?)")
            .execute(arguments: arguments(key) + [Int64(merged.first), Int64(merged.last)])
    }

    // MARK: Declared

    /// The parts of a range that were declared and did not come since.
    func declared(within range: SequenceRange, of key: Key) throws -> [SequenceRange] {
        try overlapping("telemetry_declared", range, key).compactMap { $0.range.intersection(range) }
    }

    /// Declares the parts of a range that were neither received nor declared before.
    ///
    /// - Returns: Those parts.
    func declare(
        _ range: SequenceRange, of key: Key, reason: Int, stream: String, day: String
    ) throws -> [SequenceRange] {
        try close(key)
        var known = SequenceSet(try overlapping("telemetry_received", range, key).map(\.range))
        for declared in try overlapping("telemetry_declared", range, key) { known.insert(declared.range) }
        let new = known.missing(from: range)
        for part in new {
            let isExtended = try extendDeclared(part, key, reason: reason, stream: stream, day: day)
            if !isExtended { try insertDeclared(part, key, reason: reason, stream: stream, day: day) }
        }
        return new
    }

    /// Lets the range right before grow where it says the same, so that a run of small losses stays one row.
    private func extendDeclared(
        _ range: SequenceRange, _ key: Key, reason: Int, stream: String, day: String
    ) throws -> Bool {
        try db.cachedStatement(
            sql: """
                UPDATE telemetry_declared SET last = ?4
                WHERE thing_id = ?1 AND epoch = ?2 AND component = ?3 AND first = (
                    SELECT max(first) FROM telemetry_declared
                    WHERE thing_id = ?1 AND epoch = ?2 AND component = ?3 AND first < ?5)
                AND last = ?5 - 1 AND reason = ?6 AND stream = ?7 AND day = ?8
                """
        ).execute(
            arguments: arguments(key) + [Int64(range.last), Int64(range.first), reason, stream, day])
        return db.changesCount > 0
    }

    /// Takes a range out of what was declared, because it was received after all.
    ///
    /// - Returns: The parts that had been declared.
    func withdrawDeclared(_ range: SequenceRange, of key: Key) throws -> [Stored] {
        var withdrawn: [Stored] = []
        for declared in try overlapping("telemetry_declared", range, key) {
            try delete("telemetry_declared", declared.range, key)
            for left in declared.range.subtracting(range) {
                try insertDeclared(
                    left, key, reason: declared.reason, stream: declared.stream, day: declared.day)
            }
            if let common = declared.range.intersection(range) {
                withdrawn.append(
                    Stored(range: common, reason: declared.reason, stream: declared.stream, day: declared.day)
                )
            }
        }
        return withdrawn
    }

    private func insertDeclared(
        _ range: SequenceRange, _ key: Key, reason: Int, stream: String, day: String
    ) throws {
        try db.cachedStatement(sql: "INSERT INTO telemetry_declared VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
            .execute(
                arguments: arguments(key) + [Int64(range.first), Int64(range.last), reason, stream, day])
    }

    private func delete(_ table: String, _ range: SequenceRange, _ key: Key) throws {
        try db.cachedStatement(
            sql: "DELETE FROM \(table) WHERE thing_id = ? AND epoch = ? AND component = ? AND first = ?"
        ).execute(arguments: arguments(key) + [Int64(range.first)])
    }

    /// Stored ranges that share a number with a range. They do not overlap each other, so walking down from
    /// the range's end can stop at the first one that ends before its beginning.
    private func overlapping(_ table: String, _ range: SequenceRange, _ key: Key) throws -> [Stored] {
        let isDeclared = table == "telemetry_declared"
        let columns = isDeclared ? "first, last, reason, stream, day" : "first, last, 0, '', ''"
        let statement = try db.cachedStatement(
            sql: """
                SELECT \(columns) FROM \(table)
                WHERE thing_id = ? AND epoch = ? AND component = ? AND first <= ? ORDER BY first DESC
                """)
        let rows = try Row.fetchCursor(statement, arguments: arguments(key) + [Int64(range.last)])
        var found: [Stored] = []
        while let row = try rows.next() {
            let first: Int64 = row[0]
            let last: Int64 = row[1]
            guard last >= Int64(range.first), let stored = SequenceRange(UInt64(first), UInt64(last)) else {
                break
            }
            found.append(Stored(range: stored, reason: row[2], stream: row[3], day: row[4]))
        }
        return found
    }

    private func arguments(_ key: Key) -> StatementArguments {
        [key.thingID, Data(key.epoch.bytes), key.component]
    }
}
