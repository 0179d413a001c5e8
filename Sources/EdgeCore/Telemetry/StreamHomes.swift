import GRDB
import Messaging
import StreamStore
import Synchronization

/// Where the core's streams are: those with `persistence: disk` in its one database, the others in a database in
/// memory with the same tables, made when the first of them is written to.
///
/// What is in memory is lost when the process is killed; the ledger then counts it as missing. When the core ends in an
/// orderly way it is saved, and sent after the next start.
final class StreamHomes: Sendable {
    private let pool: DatabasePool
    private let committer: GroupCommitter
    private let damage: StreamDamage
    private let queue = Mutex<DatabaseQueue?>(nil)

    /// Makes homes for streams.
    init(pool: DatabasePool, committer: GroupCommitter, damage: StreamDamage) {
        self.pool = pool
        self.committer = committer
        self.damage = damage
    }

    /// Reads an epoch where it is.
    func read<Value: Sendable>(
        _ epoch: StreamEpoch, _ body: @escaping @Sendable (DurableStreams, StreamEpoch) throws -> Value
    ) async throws -> Value {
        guard epoch.isInMemory, let queue = memory else {
            do {
                return try await pool.read { [damage] db in
                    try body(DurableStreams(db, damage: damage), epoch)
                }
            } catch {
                committer.met(error)
                throw error
            }
        }
        return try await queue.read { db in try body(DurableStreams(db), epoch) }
    }

    /// Changes an epoch where it is; what is on the disk is synced before this returns.
    func write<Value: Sendable>(
        _ epoch: StreamEpoch, _ body: @escaping @Sendable (DurableStreams, StreamEpoch) throws -> Value
    ) async throws -> Value {
        guard epoch.isInMemory, let queue = memory else {
            return try await committer.commit { db in try body(DurableStreams(db), epoch) }
        }
        return try await queue.write { db in try body(DurableStreams(db), epoch) }
    }

    /// Works on the streams in memory, beside the transaction that runs on the disk: what was done stays done where
    /// that fails. Its messages are then published again, and the cloud drops the copies by their origin.
    func withMemory<Value>(_ body: (DurableStreams) throws -> Value) throws -> Value {
        try makeMemory().write { db in try body(DurableStreams(db)) }
    }

    /// Reads of the streams in memory from within a transaction that runs on the disk.
    func readMemory<Value>(_ body: (DurableStreams) throws -> Value) throws -> Value {
        try makeMemory().read { db in try body(DurableStreams(db)) }
    }

    /// Names of all streams that were ever written or opened, wherever they are.
    func names() async throws -> Set<String> {
        let disk = try await pool.read { db in try DurableStreams(db).names() }
        let volatile = try await memory?.read { db in try DurableStreams(db).names() }
        return Set(disk).union(volatile ?? [])
    }

    /// Messages of a stream that the cloud does not have yet, wherever they are.
    func depth(of stream: String) async throws -> UInt64 {
        let disk = try await pool.read { db in try DurableStreams(db).depth(of: stream) }
        let volatile = try await memory?.read { db in try DurableStreams(db).depth(of: stream) }
        return disk + (volatile ?? 0)
    }

    /// The streams in memory; nil while no stream was ever there.
    var memory: DatabaseQueue? { queue.withLock { $0 } }

    private func makeMemory() throws -> DatabaseQueue {
        try queue.withLock { queue in
            if let queue { return queue }
            let made = try DatabaseQueue()
            var migrator = DatabaseMigrator()
            CoreServer.registerTelemetryMigrations(&migrator)
            try migrator.migrate(made)
            queue = made
            return made
        }
    }

    /// Epochs of a stream that have something to send or to account for, those on the disk first, each group oldest
    /// first. The current one, where it is not there yet, is made.
    ///
    /// - Parameters:
    ///   - current: The epoch that the stream is appended to now.
    ///   - isInMemory: Whether that is in memory.
    ///   - kept: Older epochs with nothing left to send that are kept.
    func epochs(
        of stream: String, current: Epoch, isInMemory: Bool, keeping kept: Int
    ) async throws -> [StreamEpoch] {
        var epochs = try await committer.commit { db in
            let streams = DurableStreams(db)
            try streams.pruneEpochs(of: stream, keeping: kept, current: current)
            return try streams.epochs(of: stream, current: isInMemory ? nil : current)
        }
        let queue = isInMemory ? try makeMemory() : memory
        guard let queue else { return epochs }
        let volatile = try await queue.write { db in
            let streams = DurableStreams(db)
            try streams.pruneEpochs(of: stream, keeping: kept, current: current)
            return try streams.epochs(of: stream, current: isInMemory ? current : nil)
        }
        for var epoch in volatile {
            epoch.isInMemory = true
            epochs.append(epoch)
        }
        return epochs
    }

    /// Puts what is in memory on the disk, each stream's under a new epoch; to be called when nothing is appended any
    /// more.
    ///
    /// - Parameter limits: How much each stream holds.
    /// - Returns: How many messages were saved.
    func save(
        limits: @escaping @Sendable (String) -> StreamLimits, overwrittenReason: Int, now: Int64
    ) async throws -> UInt64 {
        guard let queue = memory else { return 0 }
        var saved: UInt64 = 0
        let names = try await queue.read { db in try DurableStreams(db).names() }
        for name in names {
            let epoch = Epoch.random()
            for old in try await queue.read({ db in try DurableStreams(db).epochs(of: name, current: nil) }) {
                var after = old.acknowledged
                while true {
                    let entries = try await queue.read { [after] db in
                        try DurableStreams(db).entries(
                            of: old, after: after, limit: 1_000, maximumBytes: 4 << 20)
                    }
                    guard let last = entries.last?.positions.last else { break }
                    after = last
                    saved += try await committer.commit { db in
                        try Self.save(
                            entries, to: name, epoch: epoch, limits: limits(name), overwrittenReason, now, db)
                    }
                }
            }
        }
        return saved
    }

    private static func save(
        _ entries: [StreamEntry], to name: String, epoch: Epoch, limits: StreamLimits,
        _ overwrittenReason: Int,
        _ now: Int64, _ db: Database
    ) throws -> UInt64 {
        let streams = DurableStreams(db)
        var saved: UInt64 = 0
        for entry in entries {
            switch entry.content {
            case .batch(let batch):
                let outcome = try streams.append(
                    batch, count: Int(clamping: entry.positions.count), to: name, epoch: epoch,
                    limits: limits,
                    overwrittenReason: overwrittenReason)
                if case .stored = outcome { saved += entry.positions.count }
            case .lost(let reason, let origins):
                for origin in origins {
                    try streams.appendLost(origin, reason: reason, to: name, epoch: epoch, now: now)
                }
            }
        }
        return saved
    }
}
