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
import Testing

@testable import EdgeCore

/// A cloud that keeps in memory what it took: a cursor and the origins of every epoch.
private final class MemoryCloud: PublishBackend, Sendable {
    struct Taken {
        var cursor: UInt64 = 0
        var messages = SequenceSet()
        var lost: [LossReason: SequenceSet] = [:]
        var unsequenced = 0
        var repeats = 0
        var derived: [IncomingPublication] = []
    }

    let state = Mutex<[Epoch: Taken]>([:])

    func open(_ session: IngestSession) async throws -> UInt64 {
        state.withLock { state in
            if state[session.epoch] == nil {
                state[session.epoch] = Taken(cursor: session.oldestSequence - 1)
            }
            return state[session.epoch]?.cursor ?? 0
        }
    }

    func ingest(_ items: [IngestItem], session: IngestSession) async throws -> IngestOutcome {
        state.withLock { state in
            var taken = state[session.epoch] ?? Taken()
            var sequencer = IngestSequencer(cursor: taken.cursor)
            var outcome = IngestOutcome(acknowledged: taken.cursor)
            loop: for item in items {
                switch sequencer.step(for: item.positions) {
                case .gap(let expected):
                    outcome.failure = IngestSequencer.gapError(
                        expected: expected, got: item.positions?.first ?? 0)
                    break loop
                case .repeated: taken.repeats += 1
                case .unsequenced: taken.unsequenced += 1
                case .new:
                    switch item {
                    case .messages(let publication):
                        if let origin = publication.origin {
                            taken.messages.insert(range(origin.firstSequence, origin.lastSequence))
                            if origin.isDerived { taken.derived.append(publication) }
                        }
                    case .lost(let loss):
                        for origin in loss.origins {
                            taken.lost[loss.reason, default: SequenceSet()]
                                .insert(range(origin.firstSequence, origin.lastSequence))
                        }
                    }
                }
                sequencer.advance(past: item.positions)
            }
            taken.cursor = sequencer.cursor
            state[session.epoch] = taken
            outcome.acknowledged = sequencer.cursor
            return outcome
        }
    }

    func closed(_ session: IngestSession) async {}
}

private struct MemoryCloudService: ArrivedPublishing {
    let cloud: MemoryCloud
    let sessions = SessionRegistry()

    func publish(
        arrived requests: RPCAsyncSequence<ArrivedPublishRequest, any Error>,
        response: RPCWriter<PublishResponse>,
        context: ServerContext
    ) async throws {
        let handler = PublishHandler(
            backend: cloud, sessions: sessions,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        try await handler.serve(
            publisher: try Principal(role: .core, name: "pi-1"), requests: requests, responses: response
        )
    }

    func subscribe(
        request: RPCAsyncSequence<Hedgerow_Telemetry_V1_SubscribeRequest, any Error>,
        response: RPCWriter<Hedgerow_Telemetry_V1_SubscribeResponse>, context: ServerContext
    ) async throws {}

    func query(
        request: Hedgerow_Telemetry_V1_QueryRequest, context: ServerContext
    ) async throws -> Hedgerow_Telemetry_V1_QueryResponse { .init() }

    func getLedger(
        request: Hedgerow_Telemetry_V1_GetLedgerRequest, context: ServerContext
    ) async throws -> Hedgerow_Telemetry_V1_GetLedgerResponse { .init() }
}

@Suite(.timeLimit(.minutes(5))) struct UplinkSessionTests {
    /// Runs a cloud without TLS and a client to it.
    private func withCloud(
        _ cloud: MemoryCloud, _ body: @Sendable (GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Void
    ) async throws {
        let transport = HTTP2ServerTransport.Posix(
            address: .ipv4(host: "127.0.0.1", port: 0), transportSecurity: .plaintext)
        let server = GRPCServer(
            transport: transport, services: [PublishingService(MemoryCloudService(cloud: cloud))])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.serve() }
            let port = try #require(try await transport.listeningAddress.ipv4?.port)
            try await withGRPCClient(
                transport: try .http2NIOPosix(
                    target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: .plaintext)
            ) { client in try await body(client) }
            server.beginGracefulShutdown()
            try await group.waitForAll()
        }
    }

    private func append(
        _ core: TelemetryFixture, _ origins: [SequenceRange], epoch: Epoch, limits: StreamLimits? = nil,
        bytes: Int = 8, component: String = "", rowOffsets: [UInt32] = [], source: StreamBatch.Source? = nil
    ) async throws {
        try await core.committer.commit { db in
            for origin in origins {
                guard case .messages(let publication) = messages(origin.first, origin.last, bytes: bytes),
                    case .success(let checked) = publication.content
                else { return }
                _ = try DurableStreams(db).append(
                    StreamBatch(
                        payload: checked.encoded,
                        origin: .init(
                            key: OriginKey(thing: "a", epoch: EdgeCoreTests.epoch(1), component: component),
                            range: origin, rowOffsets: rowOffsets), source: source,
                        receiveTime: 0, isReceiveTimeDoubtful: false),
                    count: publication.count, to: "default", epoch: epoch,
                    limits: limits ?? StreamLimits(maximumBytes: 1 << 30, overwritesOldest: true),
                    overwrittenReason: LossReason.overwritten.rawValue)
            }
        }
        core.parts.uplinks.wake(["default"])
    }

    private func streamEpoch(_ core: TelemetryFixture, _ epoch: Epoch) async throws -> StreamEpoch {
        let current = core.parts.epoch
        let all = try await core.committer.commit {
            try DurableStreams($0).epochs(of: "default", current: current)
        }
        return try #require(all.first { $0.epoch == epoch })
    }

    /// Runs a session of the current epoch while `body` runs.
    private func withSession(
        _ core: TelemetryFixture, _ client: GRPCClient<HTTP2ClientTransport.Posix>,
        _ body: @Sendable () async throws -> Void
    ) async throws {
        let session = UplinkSession(
            parts: core.parts, epoch: try await streamEpoch(core, core.parts.epoch), isCurrent: true,
            onProgress: {})
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await session.run(client) }
            try await body()
            group.cancelAll()
        }
    }

    private func depth(_ core: TelemetryFixture) async throws -> UInt64 {
        try await core.pool.read { try DurableStreams($0).depth(of: "default") }
    }

    @Test func whatIsStoredArrivesAndIsFreedAndWhatComesLaterFollows() async throws {
        try await TelemetryFixture.with { core in
            let cloud = MemoryCloud()
            let epoch = core.parts.epoch
            try await append(core, [range(1, 3), range(4, 4)], epoch: epoch)
            try await withCloud(cloud) { client in
                try await withSession(core, client) {
                    try await eventually("the backlog arrived") { try await depth(core) == 0 }
                    for number in UInt64(5)...40 {
                        try await append(core, [range(number, number)], epoch: epoch)
                    }
                    try await eventually("the rest arrived") { try await depth(core) == 0 }
                    core.parts.uplinks.send(
                        .with {
                            $0.message.topic = "t"
                            $0.message.payload.data = Data([1])
                        }, bytes: 10, stream: "default")
                    try await eventually("a message at QoS 0") {
                        cloud.state.withLock { $0[epoch]?.unsequenced == 1 }
                    }
                }
            }
            let taken = try #require(cloud.state.withLock { $0[epoch] })
            #expect(taken.messages.ranges == [range(1, 40)])
            #expect(taken.repeats == 0)
            #expect(try await core.pool.read { try DurableStreams($0).bytes(in: "default") } == 0)
        }
    }

    @Test func whatComponentsMadeIsSentWithItsOriginsAndSource() async throws {
        try await TelemetryFixture.with { core in
            let cloud = MemoryCloud()
            let epoch = core.parts.epoch
            try await append(
                core, [range(1, 3)], epoch: epoch, component: "smooth#0/alarm#2", rowOffsets: [0, 1, 9],
                source: .init(component: "alarm", version: "1.0.0-rc.1", revision: 12))
            try await withCloud(cloud) { client in
                try await withSession(core, client) {
                    try await eventually("it arrived") { try await depth(core) == 0 }
                }
            }
            let taken = try #require(cloud.state.withLock { $0[epoch]?.derived.first })
            let origin = try #require(taken.origin)
            #expect(origin.componentInstance == "smooth#0/alarm" && origin.outputIndex == 2)
            #expect(origin.thing == "a" && origin.rowOffsets == [0, 1, 9])
            #expect(taken.source?.component == "alarm" && taken.source?.version == "1.0.0-rc.1")
            #expect(taken.source?.revision == 12)
        }
    }

    @Test func anOldEpochEndsWhenItIsThere() async throws {
        try await TelemetryFixture.with { core in
            let cloud = MemoryCloud()
            let old = epoch(55)
            try await append(core, [range(1, 5), range(6, 9)], epoch: old)
            try await withCloud(cloud) { client in
                let session = UplinkSession(
                    parts: core.parts, epoch: try await streamEpoch(core, old), isCurrent: false,
                    onProgress: {})
                try await session.run(client)
                // Once more, with nothing left.
                let again = UplinkSession(
                    parts: core.parts, epoch: try await streamEpoch(core, old), isCurrent: false,
                    onProgress: {})
                try await again.run(client)
            }
            #expect(cloud.state.withLock { $0[old]?.messages.ranges } == [range(1, 9)])
            #expect(try await depth(core) == 0)
        }
    }

    @Test func aStreamThatOverwritesWhileItIsSentLeavesNoGap() async throws {
        try await TelemetryFixture.with { core in
            let cloud = MemoryCloud()
            let epoch = core.parts.epoch
            let small = StreamLimits(maximumBytes: 65_536, overwritesOldest: true)
            @Sendable func more(_ first: UInt64, _ last: UInt64) async throws {
                for number in first...last {
                    try await append(core, [range(number, number)], epoch: epoch, limits: small, bytes: 3_000)
                }
            }
            try await more(1, 60)
            try await withCloud(cloud) { client in
                try await withSession(core, client) {
                    try await more(61, 400)
                    try await eventually("everything arrived or was accounted for") {
                        try await depth(core) == 0
                    }
                }
            }
            let taken = try #require(cloud.state.withLock { $0[epoch] })
            #expect(taken.cursor == 400)
            var all = taken.messages
            for range in taken.lost[.overwritten]?.ranges ?? [] { all.insert(range) }
            #expect(all.ranges == [range(1, 400)])
            #expect(taken.lost[.overwritten]?.contains(1) == true)
        }
    }

    @Test func aCloudThatForgotIsToldWhatItLostAndGoesOn() async throws {
        try await TelemetryFixture.with { core in
            let cloud = MemoryCloud()
            let epoch = core.parts.epoch
            try await append(core, (1...10).map { range($0 * 2 - 1, $0 * 2) }, epoch: epoch)
            try await core.committer.commit { db in
                try DurableStreams(db).appendLost(
                    .init(key: OriginKey(thing: "a", epoch: EdgeCoreTests.epoch(1)), range: range(21, 30)),
                    reason: LossReason.rejected.rawValue, to: "default", epoch: epoch, now: 0)
            }
            try await withCloud(cloud) { client in
                try await withSession(core, client) {
                    try await eventually("all of it arrived") { try await depth(core) == 0 }
                }
                // Restored from a copy of before: it has the first three batches.
                var copy = MemoryCloud.Taken(cursor: 6)
                copy.messages.insert(range(1, 6))
                cloud.state.withLock { $0[epoch] = copy }
                try await append(core, [range(31, 31)], epoch: epoch)
                try await withSession(core, client) {
                    try await eventually("the rest arrived") { try await depth(core) == 0 }
                }
            }
            let taken = try #require(cloud.state.withLock { $0[epoch] })
            #expect(taken.messages.ranges == [range(1, 6), range(31, 31)])
            // The run is told whole: what was received stays so. What was refused is not called lost now.
            #expect(taken.lost[.receiverRestored]?.ranges == [range(1, 20)])
            #expect(taken.lost[.rejected]?.ranges == [range(21, 30)])
        }
    }

    @Test func damagedMessagesAreEnteredAsLostAndStopNothing() async throws {
        try await TelemetryFixture.with { core in
            let cloud = MemoryCloud()
            let epoch = core.parts.epoch
            try await append(core, [range(1, 1), range(2, 3), range(4, 4)], epoch: epoch)
            try await core.pool.write { db in
                try db.execute(sql: "UPDATE stream_entry SET payload = x'FFFFFF' WHERE first = 2")
            }
            try await withCloud(cloud) { client in
                try await withSession(core, client) {
                    try await eventually("the rest arrived") { try await depth(core) == 0 }
                }
            }
            let taken = try #require(cloud.state.withLock { $0[epoch] })
            #expect(taken.messages.ranges == [range(1, 1), range(4, 4)])
            #expect(taken.lost[.corrupted]?.ranges == [range(2, 3)])
        }
    }
}
