import GRDB
import HedgerowAPI
import Messaging
import RPCSupport
import StreamStore
import TestSupport
import Testing

@testable import EdgeCore

@Suite("What the cloud has and is not freed yet", .timeLimit(.minutes(1))) struct PendingAcknowledgementsTests
{
    private struct Failure: Error {}

    private func append(_ core: TelemetryFixture, _ count: UInt64) async throws -> StreamEpoch {
        let current = core.parts.epoch
        return try await core.committer.commit { db in
            let streams = DurableStreams(db)
            for number in 1...count {
                guard case .messages(let publication) = messages(number, number),
                    case .success(let checked) = publication.content
                else { throw Failure() }
                _ = try streams.append(
                    StreamBatch(
                        payload: checked.encoded,
                        origin: .init(
                            key: OriginKey(thing: "a", epoch: EdgeCoreTests.epoch(1)),
                            range: range(number, number)), receiveTime: 0, isReceiveTimeDoubtful: false),
                    count: 1, to: "default", epoch: current,
                    limits: StreamLimits(maximumBytes: 1 << 20, overwritesOldest: true),
                    overwrittenReason: LossReason.overwritten.rawValue)
            }
            return try #require(try streams.epochs(of: "default", current: current).last)
        }
    }

    private func depth(_ core: TelemetryFixture) async throws -> UInt64 {
        try await core.parts.read { try DurableStreams($0).depth(of: "default") }
    }

    @Test("is freed by the next transaction, whoever makes it") func ridesAlong() async throws {
        try await TelemetryFixture.with { core in
            let epoch = try await append(core, 5)
            core.parts.acknowledgements.add(epoch, through: 2, bytes: 10)
            core.parts.acknowledgements.add(epoch, through: 3, bytes: 5)
            #expect(core.parts.acknowledgements.bytes(of: epoch) == 15)
            try await core.parts.commit { _ in }
            #expect(try await depth(core) == 2)
            #expect(core.parts.acknowledgements.bytes(of: epoch) == nil)
        }
    }

    @Test("waits on where the transaction fails") func isGivenBack() async throws {
        try await TelemetryFixture.with { core in
            let epoch = try await append(core, 5)
            core.parts.acknowledgements.add(epoch, through: 3, bytes: 15)
            await #expect(throws: Failure.self) { try await core.parts.commit { _ in throw Failure() } }
            #expect(try await depth(core) == 5)
            #expect(core.parts.acknowledgements.bytes(of: epoch) == 15)
            try await core.parts.commit { _ in }
            #expect(try await depth(core) == 2)
        }
    }

    @Test("is freed too where the same work is tried once more") func isAppliedAgain() async throws {
        try await TelemetryFixture.with { core in
            let epoch = try await append(core, 5)
            let pending = core.parts.acknowledgements
            pending.add(epoch, through: 3, bytes: 15)
            let taken = PendingAcknowledgements.Taken()
            await #expect(throws: Failure.self) {
                try await core.committer.commit { db in
                    try pending.apply(db, taken)
                    throw Failure()
                }
            }
            try await core.committer.commit { db in try pending.apply(db, taken) }
            #expect(try await depth(core) == 2)
        }
    }

    @Test("is that of the epoch on the disk, not of another one with the same number in memory")
    func memoryIsApart() async throws {
        try await TelemetryFixture.with { core in
            var volatile = try await append(core, 5)
            volatile.isInMemory = true
            #expect(core.parts.acknowledgements.bytes(of: volatile) == nil)
            #expect(core.parts.acknowledgements.take(volatile)?.through == nil)
            core.parts.acknowledgements.add(try await append(core, 1), through: 1, bytes: 1)
            #expect(core.parts.acknowledgements.take(volatile)?.through == nil)
        }
    }
}
