import Foundation
import GRPCCore
import HedgerowAPI
import Identity
import Messaging
import SwiftProtobuf
import Synchronization
import Testing

@testable import RPCSupport

extension PublishRequestReader {
    /// Reads a request of whose bytes nothing is known.
    fileprivate func items(of request: PublishRequest, isFirst: Bool) throws -> [IngestItem] {
        try items(of: ArrivedPublishRequest(request), isFirst: isFirst)
    }
}

@Suite struct PublishRequestReaderTests {
    private let reader = PublishRequestReader(limits: .standard, clock: WallClock { 42 })

    private func refused(_ body: () throws -> Void) -> Bool {
        do {
            try body()
            return false
        } catch {
            return (error as? HedgerowError)?.reason == .invalidField
        }
    }

    @Test func theFirstRequestNamesStreamEpochAndOldest() throws {
        let plain = try reader.opening(of: opening(7))
        #expect(plain.stream == "default")
        #expect(plain.epoch == epoch(1))
        #expect(plain.oldestSequence == 7)
        #expect(try reader.opening(of: opening(stream: "a.b-c_1")).stream == "a.b-c_1")
        #expect(refused { _ = try reader.opening(of: .init()) })
        #expect(refused { _ = try reader.opening(of: opening(stream: "a/b")) })
        #expect(refused { _ = try reader.opening(of: opening(0)) })
        #expect(refused { _ = try reader.opening(of: opening(.max)) })
        var short = opening()
        short.session.epoch = Data([1])
        #expect(refused { _ = try reader.opening(of: short) })
    }

    @Test func aLaterSessionIsRefused() {
        #expect(refused { _ = try reader.items(of: opening(), isFirst: false) })
    }

    @Test func lostRangesAreSortedAmongTheMessagesAndQoS0StaysWhereItWas() throws {
        let request = PublishRequest.with {
            $0.publications = [publication(3), publication(0), publication(6, [1, 2])]
            $0.lost = [lost(4, 5), lost(1, 2)]
        }
        let items = try reader.items(of: request, isFirst: true)
        #expect(items.map { $0.positions?.description ?? "-" } == ["1-2", "3-3", "-", "4-5", "6-7"])
    }

    @Test func whatIsBeyondABoundIsRefused() {
        #expect(refused { _ = try reader.items(of: .with { $0.lost = [lost(5, 4)] }, isFirst: true) })
        #expect(refused { _ = try reader.items(of: .with { $0.lost = [lost(0, 4)] }, isFirst: true) })
        #expect(refused { _ = try reader.items(of: .with { $0.lost = [lost(1, .max)] }, isFirst: true) })
        #expect(
            refused {
                _ = try reader.items(of: .with { $0.publications = [publication(.max)] }, isFirst: true)
            })
        let many = Array(repeating: Publication(), count: PublishRequestReader.maximumItems + 1)
        #expect(refused { _ = try reader.items(of: .with { $0.publications = many }, isFirst: true) })
        var wide = lost(1, 2)
        wide.origins = Array(repeating: WireOrigin(), count: PublishRequestReader.maximumOrigins + 1)
        #expect(refused { _ = try reader.items(of: .with { $0.lost = [wide] }, isFirst: true) })
    }

    /// A refused batch moves the cursor too; the databases hold it as a signed number.
    @Test func theLargestBatchAtTheLastSequenceStaysWithinASignedNumber() throws {
        var huge = publication(PublishRequestReader.maximumSequence)
        huge.batch.timeOffsetsUs = Array(repeating: 0, count: 4 << 20)
        let items = try reader.items(of: .with { $0.publications = [huge] }, isFirst: true)
        let last = try #require(items.first?.positions?.last)
        #expect(last < UInt64(Int64.max))
        #expect(last > PublishRequestReader.maximumSequence)
    }

    @Test func aPlainMessageWithoutATimeGetsTheServers() throws {
        let request = PublishRequest.with {
            $0.publications = [
                .with {
                    $0.sequence = 1
                    $0.message.topic = "t"
                    $0.message.payload.data = Data([1])
                }
            ]
        }
        guard case .messages(let publication)? = try reader.items(of: request, isFirst: true).first else {
            Issue.record("no message")
            return
        }
        #expect(try publication.content.get().span == 42...42)
    }
}

@Suite struct IngestSequencerTests {
    private func step(_ sequencer: IngestSequencer, _ first: UInt64, _ last: UInt64) -> String {
        "\(sequencer.step(for: SequenceRange(first, last)))"
    }

    @Test func itemsAreNewRepeatedOrBehindAGap() {
        var sequencer = IngestSequencer(cursor: 4)
        #expect(step(sequencer, 1, 4) == "repeated")
        #expect(step(sequencer, 3, 6) == "new(from: 5)")
        #expect(step(sequencer, 5, 5) == "new(from: 5)")
        #expect(step(sequencer, 6, 9) == "gap(expected: 5)")
        #expect("\(sequencer.step(for: nil))" == "unsequenced")
        sequencer.advance(past: SequenceRange(3, 6))
        #expect(sequencer.cursor == 6)
        sequencer.advance(past: SequenceRange(1, 2))
        sequencer.advance(past: nil)
        #expect(sequencer.cursor == 6)
    }

    @Test func theGapErrorNamesTheNumberExpected() {
        let error = IngestSequencer.gapError(expected: 5, got: 9)
        #expect(error.reason == .sequenceGap)
        #expect(error.code == .failedPrecondition)
        #expect(error.details["expected"] == "5")
    }
}

private final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func add() { count.withLock { $0 += 1 } }
}

@Suite(.timeLimit(.minutes(5))) struct IngestMailboxTests {
    private static func item(_ sequence: UInt64) -> IngestItem {
        .lost(IncomingLoss(positions: SequenceRange(only: sequence), reason: .expired, origins: []))
    }

    @Test func whatIsOfferedIsTakenInOrderUntilTheEnd() async throws {
        let mailbox = IngestMailbox()
        try await mailbox.offer([Self.item(1), Self.item(2)])
        try await mailbox.offer([Self.item(3)])
        mailbox.end()
        #expect(try await mailbox.takeAll()?.compactMap { $0.positions?.first } == [1, 2, 3])
        #expect(try await mailbox.takeAll() == nil)
    }

    @Test func theReaderWaitsAtTheBoundAndLosesNothing() async throws {
        let mailbox = IngestMailbox()
        let offered = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for number in 0..<100 {
                    try await mailbox.offer((0..<1_000).map { Self.item(UInt64(number * 1_000 + $0 + 1)) })
                    offered.add()
                }
                mailbox.end()
            }
            try await until { offered.value >= 5 }
            try await Task.sleep(for: .milliseconds(50))
            #expect(offered.value == 5)
            var next: UInt64 = 1
            while let items = try await mailbox.takeAll() {
                for item in items {
                    #expect(item.positions?.first == next)
                    next += 1
                }
            }
            #expect(next == 100_001)
            try await group.waitForAll()
        }
    }

    @Test func bothEndsLeaveWhenTheyAreCancelled() async throws {
        let full = IngestMailbox()
        try await full.offer((0..<5_000).map { Self.item(UInt64($0 + 1)) })
        let writer = Task { try await full.offer([Self.item(1)]) }
        let empty = IngestMailbox()
        let reader = Task { try await empty.takeAll() == nil }
        try await Task.sleep(for: .milliseconds(20))
        writer.cancel()
        reader.cancel()
        await #expect(throws: CancellationError.self) { try await writer.value }
        await #expect(throws: CancellationError.self) { try await reader.value }
    }
}

@Suite struct SessionRegistryTests {
    @Test func aNewerSessionEndsTheOlderOneOfItsStreamOnly() throws {
        let registry = SessionRegistry()
        let thing = try Principal(role: .thing, name: "a")
        let ended = Mutex<[String]>([])
        func begin(_ stream: String, _ label: String) -> IngestSession {
            registry.begin(publisher: thing, stream: stream, epoch: epoch(1), oldestSequence: 1) {
                ended.withLock { $0.append(label) }
            }
        }
        let first = begin("s", "first")
        let other = begin("other", "other")
        try registry.requireLive(first)
        let second = begin("s", "second")
        #expect(ended.withLock { $0 } == ["first"])
        #expect(throws: HedgerowError.self) { try registry.requireLive(first) }
        try registry.requireLive(second)
        try registry.requireLive(other)
        // The older one's end does not take the newer one with it.
        registry.end(first)
        try registry.requireLive(second)
        registry.end(second)
        registry.end(other)
        #expect(registry.count == 0)
        #expect(throws: HedgerowError.self) { try registry.requireLive(second) }
    }
}
