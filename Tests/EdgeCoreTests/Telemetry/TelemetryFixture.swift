import Foundation
import GRDB
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Identity
import Logging
import Messaging
import RPCSupport
import StreamStore
import SwiftProtobuf
import Synchronization
import TestSupport

@testable import EdgeCore

func range(_ first: UInt64, _ last: UInt64) -> SequenceRange {
    SequenceRange(first, last) ?? .init(only: first)
}

func epoch(_ number: UInt64) -> Epoch {
    var generator = SeededGenerator(seed: number)
    return Epoch.random(using: &generator)
}

/// A revision with subscriptions as (from, filter, to, via) and streams as (name, bytes, whether it overwrites).
func revision(
    _ subscriptions: [(String, String, String, String)], number: UInt64 = 1,
    things: [String] = ["a", "b", "c"],
    streams: [(String, UInt64, Bool)] = []
) -> Hedgerow_Type_V1_GroupRevision {
    .with {
        $0.group = "hall"
        $0.revision = number
        $0.cores = ["pi-1"]
        $0.things = things
        $0.subscriptions = subscriptions.map { from, filter, to, via in
            .with {
                $0.from = from
                $0.topicFilter = filter
                $0.to = to
                $0.via = via
            }
        }
        $0.streams = streams.map { name, bytes, overwrites in
            .with {
                $0.name = name
                $0.maxSizeBytes = bytes
                $0.onFull = overwrites ? .overwriteOldest : .rejectNew
                $0.priority = 5
            }
        }
    }
}

/// Messages of a thing at its sequences; the payload of each is `bytes` long.
func messages(_ first: UInt64, _ last: UInt64, topic: String = "t/a", bytes: Int = 4) -> IngestItem {
    var publication = Publication()
    publication.sequence = first
    publication.batch.topic = topic
    publication.batch.timeOffsetsUs = (first...last).map { Int64($0) }
    publication.batch.payloads.data = (first...last).map {
        Data(repeating: UInt8(truncatingIfNeeded: $0), count: bytes)
    }
    return .messages(IncomingPublication(publication, now: 0))
}

func unsequenced(topic: String = "t/a") -> IngestItem {
    var publication = Publication()
    publication.message.topic = topic
    publication.message.payload.data = Data([1])
    return .messages(IncomingPublication(publication, now: 0))
}

func loss(_ first: UInt64, _ last: UInt64, _ reason: LossReason = .overwritten) -> IngestItem {
    .lost(IncomingLoss(positions: range(first, last), reason: reason, origins: []))
}

/// A core's database and the parts of its telemetry, without the servers around them.
struct TelemetryFixture: Sendable {
    let pool: DatabasePool
    let parts: TelemetryParts
    let committer: GroupCommitter

    static func with(
        tracer: MessageTracer? = nil, _ body: @escaping @Sendable (TelemetryFixture) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            let pool = try CoreDatabase.open(path: directory + "/core.sqlite", logger: logger)
            defer { try? pool.close() }
            let committer = GroupCommitter(pool: pool, logger: logger)
            let parts = TelemetryParts(
                core: "pi-1", pool: pool, committer: committer,
                revision: try await ActiveRevision(database: pool), host: FixedHost(),
                activity: ComponentActivity(logger: logger),
                clock: WallClock { 1_000_000 }, isClockDoubtful: { false }, tracer: tracer, logger: logger)
            let fixture = TelemetryFixture(pool: pool, parts: parts, committer: committer)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await committer.run() }
                do {
                    try await body(fixture)
                } catch {
                    group.cancelAll()
                    throw error
                }
                group.cancelAll()
            }
        }
    }

    func session(_ thing: String = "a", epoch number: UInt64 = 1, oldest: UInt64 = 1) throws -> IngestSession
    {
        IngestSession(
            publisher: try Principal(role: .thing, name: thing), stream: "default", epoch: epoch(number),
            oldestSequence: oldest, generation: 1)
    }

    /// One transaction as the core makes it, under a revision without components.
    func transaction<Value: Sendable>(
        _ session: IngestSession, _ revision: Hedgerow_Type_V1_GroupRevision,
        _ work: @escaping @Sendable (CoreIngestTransaction) throws -> Value
    ) async throws -> Value {
        try await transaction(session, RunningRevision(revision), work)
    }

    /// One transaction as the core makes it, under a running revision.
    func transaction<Value: Sendable>(
        _ session: IngestSession, _ running: RunningRevision,
        _ work: @escaping @Sendable (CoreIngestTransaction) throws -> Value
    ) async throws -> Value {
        let table = parts.router.table(of: running)
        let parts = parts
        return try await committer.commit { db in
            try work(
                CoreIngestTransaction(
                    db: db, session: session, router: parts.router, table: table,
                    host: ShadowHost(base: parts.host, db: db, shadows: parts.shadows, now: parts.clock.now),
                    lanes: parts.lanes, homes: parts.streams, core: parts.core, now: parts.clock.now,
                    isClockDoubtful: false, shadows: parts.shadows, tracer: parts.tracer))
        }
    }

    /// What a stream holds, as text: `positions kind thing origins`.
    func contents(_ stream: String = "default") async throws -> [String] {
        let current = parts.epoch
        let entries = try await pool.write { db -> [StreamEntry] in
            let streams = DurableStreams(db)
            return try streams.epochs(of: stream, current: current).flatMap {
                try streams.entries(of: $0, after: $0.acknowledged, limit: .max, maximumBytes: .max)
            }
        }
        return entries.map { entry in
            switch entry.content {
            case .batch(let batch):
                "\(entry.positions) batch \(Self.name(batch.origin.key)) \(batch.origin.range)"
            case .lost(let reason, let origins):
                "\(entry.positions) \(LossReason(rawValue: reason) ?? .unspecified) "
                    + origins.map { "\(Self.name($0.key)) \($0.range)" }.joined(separator: ", ")
            }
        }
    }

    private static func name(_ key: OriginKey) -> String {
        key.component.isEmpty ? key.thing : "\(key.thing)/\(key.component)"
    }
}
