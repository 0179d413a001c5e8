import Foundation
import GRDB
import GRPCCore
import HedgerowAPI
import RPCSupport
import StreamStore

/// The telemetry store in the cloud's SQLite file: all writes go through one group committer.
struct SQLiteTelemetryStore: TelemetryStore {
    private let pool: DatabasePool
    private let committer: GroupCommitter
    private let sessions: SessionRegistry
    private let fleet: any TelemetryFleet
    private let clock: WallClock
    private let tracer: MessageTracer?

    init(
        pool: DatabasePool, committer: GroupCommitter, sessions: SessionRegistry, fleet: any TelemetryFleet,
        clock: WallClock, tracer: MessageTracer? = MessageTracer()
    ) {
        self.pool = pool
        self.committer = committer
        self.sessions = sessions
        self.fleet = fleet
        self.clock = clock
        self.tracer = tracer
    }

    func open(_ session: IngestSession) async throws -> (cursor: UInt64, counts: LedgerCounts) {
        try await write { db in
            try sessions.requireLive(session)
            let transaction = IngestTransaction(db: db, session: session, fleet: fleet, now: clock.now)
            return (try transaction.open(), transaction.counts)
        }
    }

    func ingest(_ items: [IngestItem], session: IngestSession) async throws -> IngestTransaction.Result {
        let result = try await write(needsRoom: true) { db in
            try sessions.requireLive(session)
            return try IngestTransaction(
                db: db, session: session, fleet: fleet, now: clock.now, tracer: tracer
            ).ingest(items)
        }
        result.spans.commit()
        return result
    }

    func query(_ query: HistoryQuery) async throws -> HistoryPage {
        try await pool.read { db in try HistoryReader(db, query).page() }
    }

    func ledger(
        of thing: String, offset: Int, limit: Int
    ) async throws -> Hedgerow_Telemetry_V1_GetLedgerResponse? {
        try await pool.read { db in try LedgerReader(db).ledger(of: thing, offset: offset, limit: limit) }
    }

    func enforceRetention(_ policy: RetentionPolicy) async throws -> Int {
        let age = policy.maximumAge.components.seconds.multipliedReportingOverflow(by: 1_000_000)
        let oldest = age.overflow ? .min : clock.now - age.partialValue
        var total = 0
        while true {
            let (batches, messages) = try await write { db in
                try Self.deleteSome(db, olderThan: oldest, maximumBytes: policy.maximumBytes)
            }
            total += messages
            if batches == 0 { return total }
        }
    }

    /// Deletes a bounded number of batches, the ones stored first, so that no other write waits long.
    private static func deleteSome(
        _ db: Database, olderThan oldest: Int64, maximumBytes: Int64
    ) throws -> (batches: Int, messages: Int) {
        let bytes = try Int64.fetchOne(db, sql: "SELECT bytes FROM telemetry_total") ?? 0
        var excess = bytes - maximumBytes
        var (batches, messages): (Int64, Int64) = (0, 0)
        var freed: Int64 = 0
        var last: Int64?
        let rows = try Row.fetchCursor(
            db, sql: "SELECT id, store_time, bytes, count FROM telemetry_batch ORDER BY id LIMIT 500")
        while let row = try rows.next() {
            guard row[1] < oldest || excess > 0 else { break }
            last = row[0]
            freed += row[2]
            excess -= row[2]
            messages += row[3]
            batches += 1
        }
        guard let last else { return (0, 0) }
        try db.execute(sql: "DELETE FROM telemetry_batch WHERE id <= ?", arguments: [last])
        try db.execute(
            sql: "UPDATE telemetry_total SET bytes = bytes - ?, batches = batches - ?",
            arguments: [freed, batches])
        return (Int(batches), Int(messages))
    }

    func waiting(forThing thing: String, after id: Int64, limit: Int) async throws -> [SubscriberQueue.Item] {
        try await pool.read { db in
            try SubscriberQueue.next(
                db, subscriber: DownlinkQueue.name(ofThing: thing), after: id, limit: limit)
        }
    }

    func acknowledge(thing: String, ids: [Int64]) async throws {
        try await write { db in
            try SubscriberQueue.acknowledge(db, subscriber: DownlinkQueue.name(ofThing: thing), ids: ids)
        }
    }

    func takeDropped(thing: String) async throws -> UInt64 {
        try await write { db in
            let name = DownlinkQueue.name(ofThing: thing)
            try SubscriberQueue.expire(db, subscriber: name, now: clock.now)
            return try SubscriberQueue.takeDropped(db, subscriber: name)
        }
    }

    /// Commits, and turns what storage reports into what goes over the wire.
    private func write<Value: Sendable>(
        needsRoom: Bool = false, _ work: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        do {
            return try await committer.commit(needsRoom: needsRoom, work)
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
