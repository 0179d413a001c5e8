import Foundation
import GRDB
import HedgerowAPI
import Identity
import Logging
import Messaging
import RPCSupport
import StreamStore
import SwiftProtobuf
import TestSupport

@testable import Cloud

/// Every core speaks for things whose name begins with "thing"; topics below `down/NAME` lead to that thing.
struct FakeFleet: TelemetryFleet {
    func maySpeak(_ publisher: Principal, for thing: String) -> Bool {
        if IngestTransaction.ledgerName(of: publisher) == thing { return true }
        return publisher.role == .core && thing.hasPrefix("thing")
    }

    func things(reachedFromCloudBy topic: Topic) -> Set<String> {
        let levels = topic.levels
        return levels.count == 2 && levels[0] == "down" ? [String(levels[1])] : []
    }
}

/// A real database with the telemetry's tables.
final class TelemetryFixture {
    static let day: Int64 = 86_400_000_000
    /// 2023-11-14T22:13:20Z.
    static let start: Int64 = 1_700_000_000_000_000

    let pool: DatabasePool
    var now = TelemetryFixture.start

    init(_ pool: DatabasePool) { self.pool = pool }

    static func with<Value>(_ body: (TelemetryFixture) async throws -> Value) async throws -> Value {
        try await withTemporaryDirectory { directory in
            let pool = try DurableDatabase.open(
                path: directory + "/cloud.sqlite", migrate: { TelemetrySchema.register(&$0) },
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
            defer { try? pool.close() }
            return try await body(TelemetryFixture(pool))
        }
    }

    static func epoch(_ number: UInt64) -> Epoch {
        var generator = SeededGenerator(seed: number)
        return Epoch.random(using: &generator)
    }

    /// A session of `role/name`.
    static func session(
        _ role: Role, _ name: String, epoch number: UInt64 = 1, oldest: UInt64 = 1, stream: String = "default"
    ) throws -> IngestSession {
        IngestSession(
            publisher: try Principal(role: role, name: name), stream: stream, epoch: epoch(number),
            oldestSequence: oldest, generation: 1)
    }

    func open(_ session: IngestSession) throws -> UInt64 {
        let now = now
        return try pool.write { db in
            try IngestTransaction(db: db, session: session, fleet: FakeFleet(), now: now).open()
        }
    }

    @discardableResult
    func ingest(
        _ items: [IngestItem], _ session: IngestSession, tracer: MessageTracer? = nil
    ) throws -> IngestTransaction.Result {
        let now = now
        return try pool.write { db in
            try IngestTransaction(db: db, session: session, fleet: FakeFleet(), now: now, tracer: tracer)
                .ingest(items)
        }
    }

    func ledger(_ thing: String) throws -> Hedgerow_Telemetry_V1_GetLedgerResponse {
        try pool.read { db in try LedgerReader(db).ledger(of: thing, offset: 0, limit: 1_000) } ?? .init()
    }

    func history(_ fill: (inout HistoryQuery) throws -> Void = { _ in }) throws -> HistoryPage {
        var query = HistoryQuery(limit: 1_000)
        try fill(&query)
        return try pool.read { db in try HistoryReader(db, query).page() }
    }

    /// Sequences of a thing in the history, ascending.
    func sequences(_ thing: String) throws -> [UInt64] {
        try history {
            $0.thing = thing
            $0.limit = 100_000
        }.records.map(\.origin.firstSequence).sorted()
    }
}

/// A batch of numbers; the value of each message is its sequence, its sample time a millisecond per sequence.
func batch(_ first: UInt64, _ last: UInt64, topic: String = "t/a", at time: Int64 = TelemetryFixture.start)
    -> Batch
{
    var batch = Batch()
    batch.topic = topic
    batch.baseTime = Microseconds.timestamp(time)
    batch.timeOffsetsUs = (first...last).map { Int64($0) * 1_000 }
    var column = Hedgerow_Type_V1_Column()
    column.name = "sequence"
    column.integerValues = (first...last).map { Int64($0) }
    batch.readings.columns = [column]
    return batch
}

/// Messages at a position, with the origin of another publisher where one is given.
func messages(
    _ first: UInt64, _ last: UInt64, topic: String = "t/a", at time: Int64 = TelemetryFixture.start,
    origin: WireOrigin? = nil, rows: ClosedRange<UInt64>? = nil
) -> IngestItem {
    var publication = Publication()
    publication.sequence = first
    let rows = rows ?? first...last
    publication.batch = batch(rows.lowerBound, rows.upperBound, topic: topic, at: time)
    if let origin { publication.origin = origin }
    return .messages(IncomingPublication(publication, now: time))
}

func origin(_ thing: String, _ first: UInt64, _ last: UInt64, epoch number: UInt64 = 1) -> WireOrigin {
    .with {
        $0.thing = thing
        $0.epoch = Data(TelemetryFixture.epoch(number).bytes)
        $0.firstSequence = first
        $0.lastSequence = last
    }
}

func loss(
    _ first: UInt64, _ last: UInt64, _ reason: LossReason = .overwritten, origins: [WireOrigin] = []
) -> IngestItem {
    .lost(
        IncomingLoss(
            positions: SequenceRange(first, last) ?? .init(only: first), reason: reason, origins: origins))
}
