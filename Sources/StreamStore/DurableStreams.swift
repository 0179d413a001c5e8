import Foundation
public import GRDB
public import Messaging

/// Durable streams on the core: what the cloud must have, until the cloud has it.
///
/// On disk, in the core's one database:
/// - `stream_epoch`: one row per stream and run of the process. Sequences start at 1 in each epoch and count
///   messages; `next` is the one that the next message gets, `acknowledged` the last one that the receiver has.
/// - `stream_entry`: one row per batch, as it came, at its sequences `first` to `last`; or, with a `reason`,
///   the account of sequences that will never be sent, whose origins are in `stream_lost_origin`. Within an
///   epoch the entries lie without gap from `acknowledged + 1` to `next - 1`. Where a stream has more exports than the
///   cloud, or others, more lies there: see `DurableStreams+Exports.swift`. What a component derived has its
///   output in `component` (``DerivedOutput``), the component in the columns `source_…`, and in `row_offsets`,
///   where its messages are not the last ones of `origin_first` to `origin_last`, where in that range each is
///   (differences, seven bits a byte). An account of such a batch names its messages in the same way.
/// - `stream_usage`: bytes of payload and number of accounts per stream, kept in step by every change here.
/// - `stream_exported`: origins of what the receiver has already, and of what it was told to be lost, in runs, so
///   that a receiver that was restored from an older copy can be told what it forgot. A run holds consecutive
///   origins of one publisher; `last` is the sequence of its newest, and runs of several publishers overlap. At
///   most ``maximumExportedRuns`` per stream, the newest (some thousands more between two prunings).
///
/// What holds, so that damage shows:
/// - `header_checksum` of an entry is the CRC-32C of all its columns but `id`, `bytes`, `payload` and itself, as
///   ``StoredEntry/sum`` lays them out; `payload_checksum` is that of `payload`; `checksum` of a lost origin that of its
///   row. All are written with the row, changed with it, and compared whenever it is read. Rows of a version that had
///   none have NULL there, and are read as they are.
/// - Entries of an epoch overlap nowhere, `acknowledged` is less than `next`, and no entry ends at or behind `next`.
///   ``verify(_:)`` looks for that at every start, ``repair(_:unownedTo:)`` restores it after rows were lost.
/// - Sequences that were given out, are not acknowledged, and of which no sound row is there, are lost: reading makes an
///   account of them (``corruptedReason``).
/// - Batches of one publisher (thing, epoch and output) in a stream cover its origins in ascending order; what is missing
///   between two of them was in the rows between.
///
/// The migrations are the version of the format, each named in the table `grdb_migrations`: ``createTables(_:)``,
/// ``addDerivation(_:)``, ``addTraces(_:)``, ``addChecksums(_:)``, ``addExports(_:)``. They only add tables and columns. A
/// newer program runs those that are missing, in one transaction each; an older one that finds a name which it does not
/// know leaves the file alone (`StorageError.newerVersion`), whether or not it is damaged.
///
/// Every method runs inside a transaction of the caller's, together with the cursors that depend on it.
public struct DurableStreams {
    /// Most runs of exported origins kept per stream.
    public static let maximumExportedRuns = 10_000
    /// Most origins in one account of lost messages.
    public static let maximumOrigins = 1_000
    /// Most origins in an account that gets one with offsets: each may have as many as a batch has messages.
    static let maximumSparseOrigins = 64
    /// Accounts in a stream above which nothing that can be told in another way should become one. An account
    /// takes no space in the stream and is never overwritten, so that whoever appends has to keep to this.
    public static let maximumAccounts = 10_000
    /// Least bytes that are freed at once when the oldest is overwritten, so that a full stream does not
    /// overwrite with every message.
    static let minimumFreed: Int64 = 16 << 10

    /// What became of an append.
    public enum Outcome: Hashable, Sendable {
        /// It is in the stream; so many messages were overwritten for it.
        case stored(overwritten: UInt64)
        /// The stream is full and takes nothing new.
        case full
        /// It is larger than the whole stream.
        case tooLarge
    }

    /// The number on the wire of the reason for what the disk damaged (`LOSS_REASON_CORRUPTED`).
    public static let corruptedReason = 4

    let db: Database
    let damage: StreamDamage?

    /// Works on streams within a transaction.
    ///
    /// - Parameter damage: Where to take down what turns out to be damaged.
    public init(_ db: Database, damage: StreamDamage? = nil) {
        self.db = db
        self.damage = damage
    }

    // MARK: Epochs

    /// The epochs of a stream that have something to send or to account for, oldest first; the given one is
    /// made where it is not there yet, and comes last. All of it as the cloud sees it: `next` is never behind the
    /// sequence after the last one that goes there.
    public func epochs(of stream: String, current: Epoch?) throws -> [StreamEpoch] {
        if let current { _ = try epochID(stream, current) }
        return try Row.fetchAll(
            db,
            sql: """
                SELECT e.id, e.epoch, min(e.next, ifnull(e.cloud_until, e.next) + 1), e.acknowledged,
                    min(e.acknowledged + 1, ifnull((SELECT min(first) FROM stream_exported WHERE epoch_id = e.id),
                        e.acknowledged + 1))
                FROM stream_epoch e WHERE e.stream = ? ORDER BY e.id
                """, arguments: [stream]
        ).compactMap { row in
            guard let id = row.integer(0), let epoch = row.blob(1).flatMap({ Epoch($0) }) else { return nil }
            return StreamEpoch(
                id: id, stream: stream, epoch: epoch, next: UInt64(clamping: row.integer(2) ?? 1),
                acknowledged: UInt64(clamping: row.integer(3) ?? 0),
                oldest: UInt64(clamping: row.integer(4) ?? 1))
        }
    }

    /// Names of all streams that were ever written or opened.
    public func names() throws -> [String] {
        try String.fetchAll(db, sql: "SELECT DISTINCT stream FROM stream_epoch ORDER BY stream")
    }

    /// Forgets the epochs of a stream, except the given one, that have nothing left to send and lie more than
    /// so many back.
    public func pruneEpochs(of stream: String, keeping count: Int, current: Epoch) throws {
        let ids = try Int64.fetchAll(
            db,
            sql: """
                SELECT id FROM stream_epoch WHERE stream = ? AND epoch <> ?
                    AND acknowledged >= min(next - 1, ifnull(cloud_until, next - 1))
                    AND NOT EXISTS (SELECT 1 FROM stream_entry WHERE epoch_id = stream_epoch.id)
                ORDER BY id DESC LIMIT -1 OFFSET ?
                """, arguments: [stream, Data(current.bytes), count])
        for id in ids {
            try db.execute(sql: "DELETE FROM stream_exported WHERE epoch_id = ?", arguments: [id])
            try db.execute(sql: "DELETE FROM stream_cursor WHERE epoch_id = ?", arguments: [id])
            try db.execute(sql: "DELETE FROM stream_epoch WHERE id = ?", arguments: [id])
        }
    }

    /// Bytes of payload in a stream.
    public func bytes(in stream: String) throws -> Int64 {
        let statement = try db.cachedStatement(sql: "SELECT bytes FROM stream_usage WHERE stream = ?")
        return try Int64.fetchOne(statement, arguments: [stream]) ?? 0
    }

    /// Accounts of messages that will never be sent, in a stream.
    public func accounts(in stream: String) throws -> Int {
        let statement = try db.cachedStatement(sql: "SELECT accounts FROM stream_usage WHERE stream = ?")
        return try Int.fetchOne(statement, arguments: [stream]) ?? 0
    }

    /// Whether nothing that goes to the cloud lies behind a sequence of an epoch.
    public func isAtEnd(of epoch: StreamEpoch, after sequence: UInt64) throws -> Bool {
        let statement = try db.cachedStatement(
            sql: "SELECT min(next - 1, ifnull(cloud_until, next - 1)) FROM stream_epoch WHERE id = ?")
        return UInt64(clamping: try Int64.fetchOne(statement, arguments: [epoch.id]) ?? 0) <= sequence
    }

    /// Messages in a stream that the cloud does not have yet; see also ``describe(_:)``.
    public func depth(of stream: String) throws -> UInt64 {
        let sum = try Int64.fetchOne(
            db,
            sql: """
                SELECT sum(max(0, min(next - 1, ifnull(cloud_until, next - 1)) - acknowledged)) FROM stream_epoch
                WHERE stream = ?
                """,
            arguments: [stream])
        return UInt64(sum ?? 0)
    }

    // MARK: Writing

    /// Appends a batch of so many messages; makes room first where the stream may overwrite.
    ///
    /// - Parameter overwrittenReason: The number on the wire of the reason for what is overwritten.
    public func append(
        _ batch: StreamBatch, count: Int, to stream: String, epoch: Epoch, limits: StreamLimits,
        overwrittenReason: Int
    ) throws -> Outcome {
        let size = Int64(batch.payload.count)
        guard size <= limits.maximumBytes else { return .tooLarge }
        var overwritten: UInt64 = 0
        let excess = try addUsage(size, stream) - limits.maximumBytes
        if excess > 0 {
            guard limits.overwritesOldest else {
                try addUsage(-size, stream)
                return .full
            }
            overwritten = try overwrite(
                atLeast: max(excess, min(Self.minimumFreed, limits.maximumBytes / 4)), in: stream,
                reason: overwrittenReason)
        }
        let (epochID, positions) = try take(count: UInt64(count), of: stream, epoch)
        try StoredEntry(batch, at: positions, epochID: epochID).insert(db, payload: Data(batch.payload))
        return .stored(overwritten: overwritten)
    }

    /// Appends the account of messages that will never be sent; takes one sequence. Never refused: it is small,
    /// and joins an account of the same reason right before it (see also ``maximumAccounts``).
    public func appendLost(
        _ origin: StreamEntry.OriginRange, reason: Int, to stream: String, epoch: Epoch, now: Int64
    ) throws {
        let (epochID, positions) = try take(count: 1, of: stream, epoch)
        try account(
            for: positions, origin: origin, reason: reason, receiveTime: now, epochID: epochID, stream: stream
        )
    }

    // MARK: Parts

    func epochID(_ stream: String, _ epoch: Epoch) throws -> Int64 {
        let select = try db.cachedStatement(sql: "SELECT id FROM stream_epoch WHERE stream = ? AND epoch = ?")
        if let id = try Int64.fetchOne(select, arguments: [stream, Data(epoch.bytes)]) { return id }
        try db.cachedStatement(
            sql: "INSERT INTO stream_epoch (stream, epoch, next, acknowledged) VALUES (?, ?, 1, 0)"
        ).execute(arguments: [stream, Data(epoch.bytes)])
        let id = db.lastInsertedRowID
        try addCursors(to: id, stream: stream)
        return id
    }

    /// Gives out the next sequences of an epoch, which is made where it is not there yet.
    private func take(
        count: UInt64, of stream: String, _ epoch: Epoch
    ) throws -> (epochID: Int64, positions: SequenceRange) {
        // Not one UPDATE with RETURNING: for what it returns SQLite makes a table in memory, which takes longer than
        // the rest of the statement; also below.
        let select = try db.cachedStatement(
            sql: "SELECT id, next FROM stream_epoch WHERE stream = ? AND epoch = ?")
        guard let row = try Row.fetchOne(select, arguments: [stream, Data(epoch.bytes)]) else {
            _ = try epochID(stream, epoch)
            return try take(count: count, of: stream, epoch)
        }
        let id: Int64 = row[0]
        let first = UInt64(row[1] as Int64)
        try db.cachedStatement(sql: "UPDATE stream_epoch SET next = ? WHERE id = ?").execute(
            arguments: [Int64(first + count), id])
        return (id, SequenceRange(first, first + count - 1) ?? SequenceRange(only: first))
    }

    func insertLost(
        _ positions: SequenceRange, epochID: Int64, stream: String, reason: Int,
        origin: StreamEntry.OriginRange,
        receiveTime: Int64
    ) throws {
        try StoredEntry(accountFor: positions, reason: reason, receiveTime: receiveTime, epochID: epochID)
            .insert(db, payload: nil)
        try insert(origin, entryID: db.lastInsertedRowID)
        try addUsage(0, accounts: 1, stream)
    }

    func insert(_ origin: StreamEntry.OriginRange, entryID: Int64) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO stream_lost_origin (entry_id, thing, epoch, component, first, last, row_offsets, checksum)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(
            arguments: [
                entryID, origin.key.thing, Data(origin.key.epoch.bytes), origin.key.component,
                Int64(origin.range.first), Int64(origin.range.last), RowOffsets.data(origin.rowOffsets),
                Self.sum(of: origin, entryID: entryID),
            ])
    }

    /// Adds to what a stream holds.
    ///
    /// - Returns: Its bytes of payload afterwards.
    @discardableResult
    func addUsage(_ bytes: Int64, accounts: Int = 0, _ stream: String) throws -> Int64 {
        let select = try db.cachedStatement(sql: "SELECT bytes FROM stream_usage WHERE stream = ?")
        guard let before = try Int64.fetchOne(select, arguments: [stream]) else {
            try db.cachedStatement(
                sql: "INSERT INTO stream_usage (stream, bytes, accounts) VALUES (?, ?, ?)"
            ).execute(arguments: [stream, bytes, accounts])
            return bytes
        }
        try db.cachedStatement(
            sql: "UPDATE stream_usage SET bytes = ?, accounts = accounts + ? WHERE stream = ?"
        ).execute(arguments: [before + bytes, accounts, stream])
        return before + bytes
    }
}
