import Foundation
import GRDB
import Messaging

extension DurableStreams {
    /// The receiver, which is the cloud, has everything up to a sequence: keeps the origins, and frees the space where no
    /// other export needs it.
    public func acknowledge(_ epoch: StreamEpoch, through sequence: UInt64) throws {
        let statement = try db.cachedStatement(sql: "SELECT acknowledged FROM stream_epoch WHERE id = ?")
        let before = UInt64(clamping: try Int64.fetchOne(statement, arguments: [epoch.id]) ?? 0)
        let isShared = try isShared(epoch.id)
        // `first` bounds what is looked at: entries lie in the order of both, and the index has `first`.
        let select = try db.cachedStatement(
            sql: """
                SELECT id, first, last, length(payload), reason, thing, origin_epoch, component, origin_first, origin_last
                FROM stream_entry WHERE epoch_id = ?1 AND first <= ?2 AND last <= ?2 AND last > ?3 ORDER BY first
                """)
        var freed: Int64 = 0
        var accounts: [Int64] = []
        // What follows each other becomes one run before it is written.
        var runs = ExportedRuns()
        // What is kept for others may lie below what the cloud had already; alone, only what was damaged does.
        let rows = try Row.fetchCursor(
            select, arguments: [epoch.id, Int64(sequence), isShared ? Int64(before) : 0])
        while let row = try rows.next() {
            freed += row.integer(3) ?? 0
            guard let id = row.integer(0), let positions = row.range(1) else { continue }
            if let reason = row.integer(4).map({ Int($0) }) {
                accounts.append(id)
                for origin in try lostOrigins(of: id) {
                    try export(
                        origin.key, origin.range, reason: reason, positions: positions, epochID: epoch.id)
                }
            } else if let key = row.originKey(5), let range = row.range(8),
                let complete = runs.add(range, of: key, positions: positions)
            {
                try export(complete, epochID: epoch.id)
            }
        }
        for run in runs.all { try export(run, epochID: epoch.id) }
        if !isShared {
            for id in accounts {
                try db.cachedStatement(sql: "DELETE FROM stream_lost_origin WHERE entry_id = ?").execute(
                    arguments: [id])
            }
            try db.cachedStatement(
                sql: "DELETE FROM stream_entry WHERE epoch_id = ?1 AND first <= ?2 AND last <= ?2"
            ).execute(arguments: [epoch.id, Int64(sequence)])
            if freed > 0 || !accounts.isEmpty {
                try addUsage(-freed, accounts: -accounts.count, epoch.stream)
            }
        }
        // An epoch never has more acknowledged than was ever given out here, whatever the receiver says.
        try db.cachedStatement(
            sql: "UPDATE stream_epoch SET acknowledged = max(acknowledged, min(?, next - 1)) WHERE id = ?"
        ).execute(arguments: [Int64(sequence), epoch.id])
        if isShared { try trim(epoch.id, of: epoch.stream) }
        // Counting runs walks over all of them, so it is done only once in a while.
        if before / 4_096 != sequence / 4_096 { try pruneExported(epoch.stream) }
    }

    /// What the receiver had of an epoch behind a sequence, as the account to give when it forgot that: every
    /// sequence once, in order, in entries of at most ``maximumOrigins`` origins.
    ///
    /// A run that began before the sequence is named whole: what the receiver does have it does not take for lost.
    ///
    /// - Parameter reason: The number on the wire of the reason for what it had. What it was told to be lost keeps
    ///   its reason.
    public func exported(of epoch: StreamEpoch, after sequence: UInt64, reason: Int) throws -> [StreamEntry] {
        guard let whole = SequenceRange(sequence + 1, epoch.acknowledged) else { return [] }
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT reason, thing, epoch, component, origin_first, origin_last FROM stream_exported
                WHERE epoch_id = ? AND last >= ? ORDER BY reason, id
                """, arguments: [epoch.id, Int64(whole.first)])
        var accounts: [(reason: Int, origins: [StreamEntry.OriginRange])] = []
        while let row = try rows.next() {
            guard let key = row.originKey(1), let range = row.range(4) else { continue }
            let reason = row.integer(0).map { Int($0) } ?? reason
            if accounts.last?.reason != reason || accounts.last?.origins.count == Self.maximumOrigins {
                accounts.append((reason, []))
            }
            accounts[accounts.count - 1].origins.append(.init(key: key, range: range))
        }
        if accounts.isEmpty { accounts = [(reason, [])] }
        // One sequence for each account, the rest for the last: no sequence has more origins than an account
        // holds, so that there are at least as many sequences as accounts.
        return accounts.enumerated().compactMap { index, account in
            let first = whole.first + UInt64(index)
            return SequenceRange(first, index == accounts.count - 1 ? whole.last : first).map {
                StreamEntry(positions: $0, content: .lost(reason: account.reason, origins: account.origins))
            }
        }
    }

    // MARK: What the receiver has

    /// Keeps the origins of what the receiver has.
    func export(_ run: ExportedRuns.Run, epochID: Int64) throws {
        try export(run.key, run.origins, reason: nil, positions: run.positions, epochID: epochID)
    }

    /// Keeps the origins of what the receiver has, or of what it was told to be lost, joined to the run that they
    /// continue: runs of several publishers grow side by side.
    func export(
        _ key: OriginKey, _ origins: SequenceRange, reason: Int?, positions: SequenceRange, epochID: Int64
    ) throws {
        let epoch = Data(key.epoch.bytes)
        try db.cachedStatement(
            sql: """
                UPDATE stream_exported SET last = ?, origin_last = ? WHERE id = (
                    SELECT id FROM stream_exported
                    WHERE epoch_id = ? AND thing = ? AND epoch = ? AND component = ? AND origin_last = ?
                        AND reason IS ? LIMIT 1)
                """
        ).execute(
            arguments: [
                Int64(positions.last), Int64(origins.last), epochID, key.thing, epoch, key.component,
                Int64(origins.first) - 1, reason,
            ])
        guard db.changesCount == 0 else { return }
        try db.cachedStatement(
            sql: """
                INSERT INTO stream_exported
                    (epoch_id, first, last, reason, thing, epoch, component, origin_first, origin_last)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(
            arguments: [
                epochID, Int64(positions.first), Int64(positions.last), reason, key.thing, epoch,
                key.component, Int64(origins.first), Int64(origins.last),
            ])
    }

    func pruneExported(_ stream: String) throws {
        try db.cachedStatement(
            sql: """
                DELETE FROM stream_exported WHERE id IN (
                    SELECT x.id FROM stream_epoch e JOIN stream_exported x ON x.epoch_id = e.id
                    WHERE e.stream = ? ORDER BY x.epoch_id DESC, x.last DESC LIMIT -1 OFFSET ?)
                """
        ).execute(arguments: [stream, Self.maximumExportedRuns])
    }
}
