import Foundation
import GRDB
import Messaging

extension DurableStreams {
    /// Reads a stream forwards, epoch by epoch; takes nothing out of it.
    ///
    /// Below the oldest that is there (or in an epoch that is not known any more) reading begins at the oldest, and
    /// the section says so. A time is looked for by halving, as receive times ascend in a stream unless the core's
    /// clock was set back; where it was, reading may begin at a later one of several fitting places.
    ///
    /// - Parameters:
    ///   - limit: Most entries.
    ///   - maximumBytes: Most bytes of payload, after the first entry.
    public func read(
        _ stream: String, from start: StreamStart, limit: Int, maximumBytes: Int
    ) throws -> StreamSection {
        let epochs = try storedEpochs(of: stream)
        var section = StreamSection()
        guard let newest = epochs.last else { return section }
        var index = 0
        var after: UInt64 = 0
        switch start {
        case .oldest: break
        case .position(let position):
            if let known = epochs.firstIndex(where: { $0.epoch == position.epoch }) {
                index = known
                after = max(position.sequence, 1) - 1
            } else {
                section.isClamped = true
            }
        case .time(let time):
            guard let place = try place(of: time, in: epochs) else {
                section.next = StreamPosition(epoch: newest.epoch, sequence: newest.next)
                return section
            }
            (index, after) = place
        }
        var bytes = 0
        let asked = after + 1
        section.next = StreamPosition(epoch: epochs[index].epoch, sequence: asked)
        for (offset, epoch) in epochs[index...].enumerated() {
            let left = limit - section.pieces.count
            // One more than may be taken tells whether there is more.
            let entries = try entries(
                epochID: epoch.id, after: offset == 0 ? after : 0, limit: left == .max ? left : left + 1,
                maximumBytes: maximumBytes - bytes, forCloud: false)
            if offset == 0, case .position = start,
                let first = entries.first?.positions.first ?? epoch.gone(asked)
            {
                if first > asked { section.isClamped = true }
            }
            for entry in entries {
                bytes += entry.bytes
                let isFull = section.pieces.count >= limit || bytes > maximumBytes && !section.pieces.isEmpty
                guard !isFull else {
                    section.isAtEnd = false
                    return section
                }
                section.pieces.append(.init(epoch: epoch.epoch, entry: entry))
                section.next = StreamPosition(epoch: epoch.epoch, sequence: entry.positions.last + 1)
            }
        }
        guard let last = section.pieces.last else { return section }
        // The reader stops at a bound of bytes without saying so.
        if let epoch = epochs.first(where: { $0.epoch == last.epoch }) {
            section.isAtEnd =
                try hasEntries(behind: last.entry.positions.last, of: epoch, in: epochs) == false
        }
        return section
    }

    /// An epoch as it lies in the database.
    struct StoredEpoch {
        let id: Int64
        let epoch: Epoch
        let next: UInt64
        let acknowledged: UInt64
        let cloudUntil: UInt64?
        /// Up to here receive times say nothing about the age.
        let doubtfulThrough: UInt64

        /// Where reading from a sequence goes on when nothing of the epoch is there behind it; nil where the
        /// sequence was never given out.
        fileprivate func gone(_ sequence: UInt64) -> UInt64? { sequence < next ? next : nil }
    }

    /// All epochs of a stream, oldest first.
    func storedEpochs(of stream: String) throws -> [StoredEpoch] {
        let statement = try db.cachedStatement(
            sql: """
                SELECT id, epoch, next, acknowledged, cloud_until, doubtful_through FROM stream_epoch
                WHERE stream = ? ORDER BY id
                """)
        return try Row.fetchAll(statement, arguments: [stream]).compactMap { row in
            guard let id = row.integer(0), let epoch = row.blob(1).flatMap({ Epoch($0) }) else { return nil }
            return StoredEpoch(
                id: id, epoch: epoch, next: UInt64(clamping: max(row.integer(2) ?? 1, 1)),
                acknowledged: UInt64(clamping: row.integer(3) ?? 0),
                cloudUntil: row.integer(4).map { UInt64(clamping: $0) },
                doubtfulThrough: UInt64(clamping: row.integer(5) ?? 0))
        }
    }

    private func hasEntries(behind sequence: UInt64, of epoch: StoredEpoch, in epochs: [StoredEpoch]) throws
        -> Bool
    {
        let statement = try db.cachedStatement(
            sql: "SELECT EXISTS (SELECT 1 FROM stream_entry WHERE epoch_id = ? AND first > ?)")
        for candidate in epochs where candidate.id >= epoch.id {
            let after = candidate.id == epoch.id ? Int64(sequence) : 0
            if try Bool.fetchOne(statement, arguments: [candidate.id, after]) == true { return true }
        }
        return false
    }

    // MARK: Times

    /// Index of the epoch, and the sequence behind which the first entry lies that was received at a time or later.
    private func place(of time: Int64, in epochs: [StoredEpoch]) throws -> (Int, UInt64)? {
        let last = try db.cachedStatement(
            sql: "SELECT first, receive_time FROM stream_entry WHERE epoch_id = ? ORDER BY first DESC LIMIT 1"
        )
        for (index, epoch) in epochs.enumerated() {
            guard let row = try Row.fetchOne(last, arguments: [epoch.id]), let first = row.integer(0),
                let received = row.integer(1), received >= time
            else { continue }
            return (index, UInt64(clamping: try firstEntry(of: epoch.id, at: time, upTo: first) - 1))
        }
        return nil
    }

    /// The first sequence of the first entry received at a time or later; the entry at `last` is one.
    private func firstEntry(of epochID: Int64, at time: Int64, upTo last: Int64) throws -> Int64 {
        let probe = try db.cachedStatement(
            sql: """
                SELECT first, receive_time FROM stream_entry WHERE epoch_id = ? AND first <= ?
                ORDER BY first DESC LIMIT 1
                """)
        // The entry at `high` fits; none that begins at or before `low` does.
        var low: Int64 = 0
        var high = last
        while high - low > 1 {
            let middle = low + (high - low) / 2
            guard let row = try Row.fetchOne(probe, arguments: [epochID, middle]), let first = row.integer(0),
                first > low
            else {
                low = middle
                continue
            }
            if row.integer(1) ?? .min >= time { high = first } else { low = middle }
        }
        return high
    }
}
