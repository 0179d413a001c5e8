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
///   epoch the entries lie without gap from `acknowledged + 1` to `next - 1`. What a component derived has its
///   output in `component` (``DerivedOutput``), the component in the columns `source_…`, and in `row_offsets`,
///   where its messages are not the last ones of `origin_first` to `origin_last`, where in that range each is
///   (differences, seven bits a byte). An account of such a batch names its messages in the same way.
/// - `stream_usage`: bytes of payload and number of accounts per stream, kept in step by every change here.
/// - `stream_exported`: origins of what the receiver has already, and of what it was told to be lost, in runs, so
///   that a receiver that was restored from an older copy can be told what it forgot. A run holds consecutive
///   origins of one publisher; `last` is the sequence of its newest, and runs of several publishers overlap. At
///   most ``maximumExportedRuns`` per stream, the newest (some thousands more between two prunings).
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

    let db: Database

    /// Works on streams within a transaction.
    public init(_ db: Database) { self.db = db }

    // MARK: Epochs

    /// The epochs of a stream that have something to send or to account for, oldest first; the given one is
    /// made where it is not there yet, and comes last.
    public func epochs(of stream: String, current: Epoch) throws -> [StreamEpoch] {
        _ = try epochID(stream, current)
        return try Row.fetchAll(
            db,
            sql: """
                SELECT e.id, e.epoch, e.next, e.acknowledged,
                    min(e.acknowledged + 1, ifnull((SELECT min(first) FROM stream_exported WHERE epoch_id = e.id),
                        e.acknowledged + 1))
                FROM stream_epoch e WHERE e.stream = ? ORDER BY e.id
                """, arguments: [stream]
        ).compactMap { row in
            guard let epoch = Epoch(row[1] as Data) else { return nil }
            return StreamEpoch(
                id: row[0], stream: stream, epoch: epoch, next: UInt64(row[2] as Int64),
                acknowledged: UInt64(row[3] as Int64), oldest: UInt64(row[4] as Int64))
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
                SELECT id FROM stream_epoch WHERE stream = ? AND epoch <> ? AND next = acknowledged + 1
                ORDER BY id DESC LIMIT -1 OFFSET ?
                """, arguments: [stream, Data(current.bytes), count])
        for id in ids {
            try db.execute(sql: "DELETE FROM stream_exported WHERE epoch_id = ?", arguments: [id])
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

    /// Messages in a stream that the receiver does not have yet.
    public func depth(of stream: String) throws -> UInt64 {
        let sum = try Int64.fetchOne(
            db, sql: "SELECT sum(next - 1 - acknowledged) FROM stream_epoch WHERE stream = ?",
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
        try db.cachedStatement(
            sql: """
                INSERT INTO stream_entry (epoch_id, first, last, reason, bytes, receive_time, doubtful, thing,
                    origin_epoch, component, origin_first, origin_last, payload, row_offsets, source_component,
                    source_version, source_revision, traced_since)
                VALUES (?, ?, ?, NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(
            arguments: [
                epochID, Int64(positions.first), Int64(positions.last), size, batch.receiveTime,
                batch.isReceiveTimeDoubtful ? 1 : 0,
                batch.origin.key.thing, Data(batch.origin.key.epoch.bytes), batch.origin.key.component,
                Int64(batch.origin.range.first),
                Int64(batch.origin.range.last), Data(batch.payload),
                RowOffsets.data(batch.origin.rowOffsets),
                batch.source?.component, batch.source?.version,
                batch.source.map { Int64(clamping: $0.revision) }, batch.tracedSince,
            ])
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
        return db.lastInsertedRowID
    }

    /// Gives out the next sequences of an epoch, which is made where it is not there yet.
    private func take(
        count: UInt64, of stream: String, _ epoch: Epoch
    ) throws -> (epochID: Int64, positions: SequenceRange) {
        let statement = try db.cachedStatement(
            sql: "UPDATE stream_epoch SET next = next + ? WHERE stream = ? AND epoch = ? RETURNING id, next")
        let arguments: StatementArguments = [Int64(count), stream, Data(epoch.bytes)]
        guard let row = try Row.fetchOne(statement, arguments: arguments) else {
            _ = try epochID(stream, epoch)
            return try take(count: count, of: stream, epoch)
        }
        let next = UInt64(row[1] as Int64)
        return (row[0], SequenceRange(next - count, next - 1) ?? SequenceRange(only: next))
    }

    func insertLost(
        _ positions: SequenceRange, epochID: Int64, stream: String, reason: Int,
        origin: StreamEntry.OriginRange,
        receiveTime: Int64
    ) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO stream_entry (epoch_id, first, last, reason, bytes, receive_time, doubtful)
                VALUES (?, ?, ?, ?, 0, ?, 0)
                """
        ).execute(
            arguments: [epochID, Int64(positions.first), Int64(positions.last), reason, receiveTime])
        try insert(origin, entryID: db.lastInsertedRowID)
        try addUsage(0, accounts: 1, stream)
    }

    func insert(_ origin: StreamEntry.OriginRange, entryID: Int64) throws {
        try db.cachedStatement(sql: "INSERT INTO stream_lost_origin VALUES (?, ?, ?, ?, ?, ?, ?)").execute(
            arguments: [
                entryID, origin.key.thing, Data(origin.key.epoch.bytes), origin.key.component,
                Int64(origin.range.first), Int64(origin.range.last), RowOffsets.data(origin.rowOffsets),
            ])
    }

    /// Adds to what a stream holds.
    ///
    /// - Returns: Its bytes of payload afterwards.
    @discardableResult
    func addUsage(_ bytes: Int64, accounts: Int = 0, _ stream: String) throws -> Int64 {
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO stream_usage (stream, bytes, accounts) VALUES (?, ?, ?)
                ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes, accounts = accounts + excluded.accounts
                RETURNING bytes
                """)
        return try Int64.fetchOne(statement, arguments: [stream, bytes, accounts]) ?? bytes
    }

    static func key(_ row: Row, at index: Int) -> OriginKey? {
        Epoch(row[index + 1] as Data).map {
            OriginKey(thing: row[index], epoch: $0, component: row[index + 2])
        }
    }
}
