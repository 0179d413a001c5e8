import FoundationEssentials
import GRDB
import GRPCCore
import HedgerowAPI
import RPCSupport
import ShadowStore
import Shadows
import StreamStore

/// The shadows in the cloud's database: all writes go through the one group committer.
struct CloudShadowStore: Sendable {
    private let pool: DatabasePool
    private let committer: GroupCommitter
    /// The time of day.
    let clock: WallClock
    /// What a document may be.
    let limits: ShadowLimits
    private let historyDepth: Int
    /// Wakes those who follow.
    let hub: ShadowHub
    private let metrics = ShadowMetrics()

    init(
        pool: DatabasePool, committer: GroupCommitter, clock: WallClock, limits: ShadowLimits,
        historyDepth: Int, hub: ShadowHub = ShadowHub()
    ) {
        self.pool = pool
        self.committer = committer
        self.clock = clock
        self.limits = limits
        self.historyDepth = historyDepth
        self.hub = hub
    }

    /// Runs work in the next transaction, and tells those who follow what it changed.
    ///
    /// - Parameters:
    ///   - needsRoom: Whether it adds what has to be kept.
    ///   - isSynced: Whether it has to survive a power cut.
    func commit<Value: Sendable>(
        author: String, needsRoom: Bool = true, isSynced: Bool = true,
        _ work: @escaping @Sendable (ShadowTransaction) throws -> Value
    ) async throws -> Value {
        let (value, applied) = try await Self.mapped {
            try await committer.commit(needsRoom: needsRoom, isSynced: isSynced) { db in
                let shadows = transaction(db, author: author)
                let value = try work(shadows)
                try Self.requireThings(of: shadows.applied, in: db)
                return (value, shadows.applied)
            }
        }
        hub.changed(applied)
        metrics.count(applied)
        return value
    }

    /// Runs work that only reads.
    func read<Value: Sendable>(
        _ work: @escaping @Sendable (ShadowTransaction) throws -> Value
    ) async throws -> Value {
        try await pool.read { db in try work(transaction(db, author: "")) }
    }

    private func transaction(_ db: Database, author: String) -> ShadowTransaction {
        ShadowTransaction(
            db, side: .cloud, limits: limits, historyDepth: historyDepth, now: clock.now, author: author)
    }

    /// A thing may be deleted while a request for its shadow waits for its transaction.
    private static func requireThings(of applied: [AppliedShadow], in db: Database) throws {
        let statement = try db.cachedStatement(sql: "SELECT 1 FROM thing WHERE name = ?")
        var known: Set<String> = []
        for change in applied where known.insert(change.key.thing).inserted {
            if try Row.fetchOne(statement, arguments: [change.key.thing]) == nil {
                throw StoreError.notFound("no thing or core named \"\(change.key.thing)\" is registered")
            }
        }
    }

    /// Turns what storage reports into what goes over the wire.
    private static func mapped<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as StorageError {
            throw HedgerowError(
                .unavailable, .storageFailed, "nothing was stored: \(error)", retryAfter: .seconds(5),
                cause: error)
        } catch let error as CommitterClosed {
            throw HedgerowError(
                .unavailable, .shuttingDown, "\(error)", retryAfter: .seconds(1), cause: error)
        }
    }
}
