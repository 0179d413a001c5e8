import Foundation
import GRDB
import Messaging

extension DurableStreams {
    // MARK: Sending

    /// Rows on either side of a gap that are asked whose messages were in it.
    private static let neighbours = 64

    /// Entries of an epoch behind a sequence, in order; at most so many and, after the first, so many bytes.
    ///
    /// The first one may begin at or before that sequence: an account grows while it is on its way, and what
    /// the receiver has of it is a repeat.
    ///
    /// What the disk damaged comes as an account with the reason ``corruptedReason``: a batch whose payload is not
    /// the one that was stored, with its origins; and sequences of which no sound row is left, with what lies
    /// between the origins of their neighbours.
    public func entries(
        of epoch: StreamEpoch, after sequence: UInt64, limit: Int, maximumBytes: Int
    ) throws -> [StreamEntry] {
        try entries(
            epochID: epoch.id, after: sequence, limit: limit, maximumBytes: maximumBytes, forCloud: true)
    }

    /// The same, for the cloud or for anybody. What does not concern the cloud (any more) is only for anybody, and what
    /// is missing there was taken out on purpose.
    func entries(
        epochID: Int64, after sequence: UInt64, limit: Int, maximumBytes: Int, forCloud: Bool
    ) throws -> [StreamEntry] {
        let statement = try db.cachedStatement(
            sql: """
                SELECT \(StoredEntry.columns), payload
                FROM stream_entry WHERE epoch_id = ?1 AND last > ?2 AND first >= ifnull(
                    (SELECT max(first) FROM stream_entry WHERE epoch_id = ?1 AND first <= ?2), 0)
                    AND first <= CASE WHEN ?3 THEN
                        ifnull((SELECT cloud_until FROM stream_epoch WHERE id = ?1), 9223372036854775807)
                        ELSE 9223372036854775807 END
                ORDER BY first
                """)
        let rows = try Row.fetchCursor(statement, arguments: [epochID, Int64(clamping: sequence), forCloud])
        var found = FoundEntries(limit: limit, maximumBytes: maximumBytes)
        var read = sequence
        var unreadable: [Int64] = []
        while !found.isFull, let row = try rows.next() {
            guard let stored = StoredEntry(row), let positions = stored.positions else {
                unreadable.append(row.integer(0) ?? 0)
                continue
            }
            if positions.last <= read { continue }
            if forCloud, positions.first > read + 1 {
                for gap in try gaps(from: read + 1, to: positions.first - 1, epochID: epochID) {
                    guard found.add(try lost(gap, epochID: epochID, rows: unreadable)) else {
                        return found.entries
                    }
                }
            }
            unreadable = []
            read = positions.last
            _ = found.add(try entry(stored, row, at: positions, epochID: epochID))
        }
        if forCloud, !found.isFull {
            // Whatever was given out behind the last row is gone.
            for gap in try gaps(from: read + 1, to: .max, epochID: epochID) {
                _ = found.add(try lost(gap, epochID: epochID, rows: unreadable))
            }
        }
        return found.entries
    }

    /// What one reading may hold.
    private struct FoundEntries {
        let limit: Int
        let maximumBytes: Int
        var entries: [StreamEntry] = []
        private var bytes = 0
        private var isOver = false

        init(limit: Int, maximumBytes: Int) {
            self.limit = limit
            self.maximumBytes = maximumBytes
        }

        var isFull: Bool { isOver || entries.count >= limit }

        /// Adds an entry; false where it is one too many.
        mutating func add(_ entry: StreamEntry) -> Bool {
            bytes += entry.bytes
            isOver = isFull || !entries.isEmpty && bytes > maximumBytes
            if !isOver { entries.append(entry) }
            return !isOver
        }
    }

    /// Which of these sequences must have a row: given out, on their way to the cloud, and not there yet.
    private func gaps(from first: UInt64, to last: UInt64, epochID: Int64) throws -> [SequenceRange] {
        let bounds = try Row.fetchOne(
            db.cachedStatement(
                sql:
                    "SELECT acknowledged, min(next, ifnull(cloud_until, next) + 1) FROM stream_epoch WHERE id = ?"
            ),
            arguments: [epochID])
        guard let acknowledged = bounds?.integer(0), let next = bounds?.integer(1), acknowledged >= 0,
            next > 0
        else { return [] }
        return [SequenceRange(max(first, UInt64(acknowledged) + 1), min(last, UInt64(next) - 1))].compactMap {
            $0
        }
    }

    private func entry(
        _ stored: StoredEntry, _ row: Row, at positions: SequenceRange, epochID: Int64
    ) throws -> StreamEntry {
        if let reason = stored.reason {
            return StreamEntry(
                positions: positions,
                content: .lost(reason: Int(reason), origins: try lostOrigins(of: stored.id)))
        }
        let payload = try? row.withUnsafeData(atIndex: StoredEntry.columnCount) { data in
            data.map { [UInt8]($0) }
        }
        guard let origin = stored.origin else {
            return try lost(positions, epochID: epochID, rows: [stored.id])
        }
        guard let payload, stored.isSound(payload) else {
            try tell(positions, epochID: epochID)
            return StreamEntry(
                positions: positions, content: .lost(reason: Self.corruptedReason, origins: [origin]))
        }
        return StreamEntry(
            positions: positions,
            content: .batch(
                StreamBatch(
                    payload: payload, origin: origin, source: stored.source, receiveTime: stored.receiveTime,
                    isReceiveTimeDoubtful: stored.doubtful == 1, tracedSince: stored.tracedSince)))
    }

    // MARK: Damage

    /// The account of sequences of which no sound row is left.
    ///
    /// - Parameter rows: Ids of the rows there that cannot be read; an account may still have its origins.
    private func lost(_ gap: SequenceRange, epochID: Int64, rows: [Int64]) throws -> StreamEntry {
        try tell(gap, epochID: epochID)
        var origins: [StreamEntry.OriginRange] = []
        for id in rows { origins += try lostOrigins(of: id) }
        origins += try originsBetween(gap, epochID: epochID)
        return StreamEntry(
            positions: gap,
            content: .lost(reason: Self.corruptedReason, origins: Array(origins.prefix(Self.maximumOrigins))))
    }

    /// Takes down what is damaged.
    private func tell(_ positions: SequenceRange, epochID: Int64) throws {
        guard let damage else { return }
        let stream = try String.fetchOne(
            db, sql: "SELECT stream FROM stream_epoch WHERE id = ?", arguments: [epochID])
        damage.found(positions, epochID: epochID, stream: stream ?? "")
    }

    /// The origins that lie between those before and those behind a gap, publisher by publisher: batches of one
    /// publisher cover its origins without a hole. They may name messages that another stream has or that no route
    /// led here; whoever gets those does not take them for lost.
    private func originsBetween(_ gap: SequenceRange, epochID: Int64) throws -> [StreamEntry
        .OriginRange]
    {
        var before: [OriginKey: UInt64] = [:]
        for origin in try origins(beside: gap.first, "first < ? ORDER BY first DESC", epochID: epochID) {
            before[origin.key] = max(before[origin.key] ?? 0, origin.range.last)
        }
        // What was before it may be at the receiver already.
        let exported = try Row.fetchCursor(
            db,
            sql: """
                SELECT thing, epoch, component, origin_first, origin_last FROM stream_exported
                WHERE epoch_id = ? AND last < ? ORDER BY last DESC LIMIT \(Self.neighbours)
                """, arguments: [epochID, Int64(gap.first)])
        while let row = try exported.next() {
            guard let key = row.originKey(0), let range = row.range(3) else { continue }
            before[key] = max(before[key] ?? 0, range.last)
        }
        var behind: [OriginKey: UInt64] = [:]
        for origin in try origins(beside: gap.last, "first > ? ORDER BY first", epochID: epochID) {
            behind[origin.key] = min(behind[origin.key] ?? .max, origin.range.first)
        }
        return behind.compactMap { key, first in
            before[key].flatMap { SequenceRange($0 + 1, max(first, 1) - 1) }.map {
                .init(key: key, range: $0)
            }
        }.sorted {
            ($0.key.thing, $0.key.component, $0.range.first) < (
                $1.key.thing, $1.key.component, $1.range.first
            )
        }
    }

    private func origins(
        beside sequence: UInt64, _ condition: String, epochID: Int64
    ) throws -> [StreamEntry.OriginRange] {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT \(StoredEntry.columns) FROM stream_entry WHERE epoch_id = ? AND \(condition)
                LIMIT \(Self.neighbours)
                """, arguments: [epochID, Int64(sequence)])
        var origins: [StreamEntry.OriginRange] = []
        while let row = try rows.next() {
            guard let stored = StoredEntry(row) else { continue }
            origins +=
                stored.reason == nil ? [stored.origin].compactMap { $0 } : try lostOrigins(of: stored.id)
        }
        return origins
    }

    // MARK: Parts

    func lostOrigins(of entryID: Int64) throws -> [StreamEntry.OriginRange] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT thing, epoch, component, first, last, row_offsets, checksum FROM stream_lost_origin
                WHERE entry_id = ?
                """, arguments: [entryID]
        ).compactMap { row in
            guard let key = row.originKey(0), let range = row.range(3) else { return nil }
            let offsets = row.blob(5)
            guard let rowOffsets = offsets.map({ RowOffsets.unpacked($0) }) ?? [] else { return nil }
            let origin = StreamEntry.OriginRange(key: key, range: range, rowOffsets: rowOffsets)
            if let sum = row.integer(6), sum != Self.sum(of: origin, entryID: entryID) { return nil }
            return origin
        }
    }

    /// The sum that a row of `stream_lost_origin` has.
    static func sum(of origin: StreamEntry.OriginRange, entryID: Int64) -> Int64 {
        var fields = FieldSum()
        fields.add(entryID)
        fields.add(origin.key.thing)
        fields.add(Data(origin.key.epoch.bytes))
        fields.add(origin.key.component)
        fields.add(Int64(clamping: origin.range.first))
        fields.add(Int64(clamping: origin.range.last))
        fields.add(RowOffsets.data(origin.rowOffsets))
        return fields.value
    }
}
