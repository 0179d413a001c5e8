import Foundation
import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import Synchronization

/// A telemetry service in memory that follows the rules of publishing, and breaks them where a test says so.
final class FakeTelemetryService: Hedgerow_Telemetry_V1_TelemetryService.SimpleServiceProtocol, Sendable {
    /// What the service does other than taking everything.
    struct Behaviour: Sendable {
        /// Ends the stream with UNAVAILABLE after so many messages, before they are acknowledged; once each.
        var cutsAfter: [Int] = []
        /// Errors for sessions to come, one each, instead of their first answer.
        var refusals: [HedgerowError] = []
        /// Errors after the first request with messages, one each.
        var failures: [HedgerowError] = []
        /// Topics that are refused for ever.
        var rejectedTopics: [String: ErrorReason] = [:]
        /// Holds acknowledgements back and says `paused`.
        var paused = false
        /// Never answers a session.
        var silent = false
        /// Waits so long before each request is taken.
        var delay: Duration = .zero
        /// The server's clock differs by so many seconds.
        var clockDifference: Double = 0
    }

    struct Memory: Sendable {
        var behaviour = Behaviour()
        /// By epoch: the last sequence taken.
        var cursors: [Data: UInt64] = [:]
        /// By sequence: how often stored, and the value.
        var stored: [UInt64: [Double]] = [:]
        /// Sequences of readings that are not those of tests with one `value`.
        var readings: [UInt64] = []
        /// By sequence: why a sample failed.
        var failed: [UInt64: String] = [:]
        var lost: [ClosedRange<UInt64>] = []
        var volatile: [Double] = []
        var sessions = 0
        var batchSizes: [Int] = []
        var openings: [Hedgerow_Telemetry_V1_Session] = []
        // Subscribing
        var outbox: [Hedgerow_Telemetry_V1_Delivery] = []
        var acknowledged: [UInt64] = []
        var subscriptions: [Hedgerow_Telemetry_V1_SubscribeStart] = []
        var sent = 0
        var credit = 0
        var cutsSubscription = false
    }

    let name: String
    private let memory = Mutex(Memory())

    init(name: String) {
        self.name = name
    }

    var state: Memory { memory.withLock { $0 } }

    func configure(_ body: (inout Behaviour) -> Void) {
        memory.withLock { body(&$0.behaviour) }
    }

    func withMemory(_ body: (inout Memory) -> Void) {
        memory.withLock { body(&$0) }
    }

    /// Puts a message into the queue of the subscriber.
    func send(_ text: String, sequence: UInt64, deliveryID: UInt64? = nil) {
        memory.withLock { memory in
            var delivery = Hedgerow_Telemetry_V1_Delivery()
            delivery.deliveryID = deliveryID ?? sequence
            delivery.record.message.topic = "commands/t"
            delivery.record.message.payload.data = Data(text.utf8)
            delivery.record.origin.thing = "operator"
            delivery.record.origin.epoch = Data(repeating: 1, count: 16)
            delivery.record.origin.firstSequence = sequence
            delivery.record.origin.lastSequence = sequence
            memory.outbox.append(delivery)
        }
    }

    // MARK: publish

    func publish(
        request: RPCAsyncSequence<Hedgerow_Telemetry_V1_PublishRequest, any Error>,
        response: RPCWriter<Hedgerow_Telemetry_V1_PublishResponse>, context: ServerContext
    ) async throws {
        try await untilCancelled(context) { [self] in try await publish(request, response) }
    }

    private func publish(
        _ requests: RPCAsyncSequence<Hedgerow_Telemetry_V1_PublishRequest, any Error>,
        _ response: RPCWriter<Hedgerow_Telemetry_V1_PublishResponse>
    ) async throws {
        var epoch = Data()
        var expected: UInt64 = 0
        for try await request in requests {
            if request.hasSession {
                let refusal = memory.withLock { memory -> HedgerowError? in
                    memory.sessions += 1
                    memory.openings.append(request.session)
                    return memory.behaviour.refusals.isEmpty ? nil : memory.behaviour.refusals.removeFirst()
                }
                if let refusal { throw refusal }
                if state.behaviour.silent { continue }
                epoch = request.session.epoch
                let cursor = state.cursors[epoch] ?? 0
                expected = max(cursor + 1, request.session.oldestSequence)
                var answer = Hedgerow_Telemetry_V1_PublishResponse()
                answer.resumeAfterSequence = cursor
                answer.acknowledgedSequence = cursor
                answer.serverTime = Google_Protobuf_Timestamp(
                    date: Date().addingTimeInterval(state.behaviour.clockDifference))
                try await response.write(answer)
                continue
            }
            try await Task.sleep(for: state.behaviour.delay)
            let failure = memory.withLock { memory -> HedgerowError? in
                memory.behaviour.failures.isEmpty ? nil : memory.behaviour.failures.removeFirst()
            }
            if let failure { throw failure }
            let (rejected, cut) = try take(request, epoch: epoch, expected: &expected)
            if cut { throw RPCError(code: .unavailable, message: "cut") }
            var paused = false
            while state.behaviour.paused {
                if !paused {
                    var pause = Hedgerow_Telemetry_V1_PublishResponse()
                    pause.paused.reason = .queueFull
                    pause.paused.retryAfter.seconds = 1
                    try await response.write(pause)
                    paused = true
                }
                try await Task.sleep(for: .milliseconds(5))
            }
            var answer = Hedgerow_Telemetry_V1_PublishResponse()
            answer.acknowledgedSequence = memory.withLock { $0.cursors[epoch] ?? 0 }
            answer.level = .synced
            answer.rejected = rejected
            try await response.write(answer)
        }
    }

    private func take(
        _ request: Hedgerow_Telemetry_V1_PublishRequest, epoch: Data, expected: inout UInt64
    ) throws -> ([Hedgerow_Telemetry_V1_Rejection], cut: Bool) {
        try memory.withLock { memory in
            var rejected: [Hedgerow_Telemetry_V1_Rejection] = []
            for lost in request.lost {
                guard lost.firstSequence <= expected else { throw Self.gap(expected) }
                memory.lost.append(lost.firstSequence...lost.lastSequence)
                expected = max(expected, lost.lastSequence + 1)
                memory.cursors[epoch] = expected - 1
            }
            for publication in request.publications {
                let numbers = values(of: publication)
                memory.batchSizes.append(numbers.count)
                if publication.sequence == 0 {
                    memory.volatile += numbers
                    continue
                }
                guard publication.sequence <= expected else { throw Self.gap(expected) }
                if numbers.isEmpty, let count = Self.take(publication, into: &memory) {
                    expected = publication.sequence + count
                    memory.cursors[epoch] = expected - 1
                    continue
                }
                for (offset, number) in numbers.enumerated() {
                    let sequence = publication.sequence + UInt64(offset)
                    guard sequence >= expected else { continue }
                    if let cut = memory.behaviour.cutsAfter.first {
                        if cut == 0 {
                            memory.behaviour.cutsAfter.removeFirst()
                            return (rejected, true)
                        }
                        memory.behaviour.cutsAfter[0] = cut - 1
                    }
                    if let reason = memory.behaviour.rejectedTopics[publication.batch.topic] {
                        var rejection = Hedgerow_Telemetry_V1_Rejection()
                        rejection.firstSequence = sequence
                        rejection.lastSequence = sequence
                        rejection.reason = reason
                        rejection.detail = "not here"
                        rejected.append(rejection)
                    } else {
                        memory.stored[sequence, default: []].append(number)
                    }
                    expected = sequence + 1
                    memory.cursors[epoch] = sequence
                }
            }
            return (rejected, false)
        }
    }

    /// Takes a failed sample or readings without the field `value`, and says how many sequences they have.
    private static func take(
        _ publication: Hedgerow_Telemetry_V1_Publication, into memory: inout Memory
    ) -> UInt64? {
        if publication.message.reading.status == .failed {
            memory.failed[publication.sequence] = publication.message.reading.statusReason
            return 1
        }
        let count = UInt64(publication.batch.timeOffsetsUs.count)
        guard count > 0 else { return nil }
        memory.readings += publication.sequence..<publication.sequence + count
        return count
    }

    static func gap(_ expected: UInt64) -> HedgerowError {
        HedgerowError(
            .failedPrecondition, .sequenceGap, "expected \(expected)", details: ["expected": "\(expected)"])
    }

    // MARK: subscribe

    func subscribe(
        request: RPCAsyncSequence<Hedgerow_Telemetry_V1_SubscribeRequest, any Error>,
        response: RPCWriter<Hedgerow_Telemetry_V1_SubscribeResponse>, context: ServerContext
    ) async throws {
        memory.withLock {
            $0.credit = 0
            $0.sent = 0
        }
        try await untilCancelled(context) { [self] in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { [self] in
                    for try await message in request {
                        withMemory { memory in
                            if message.hasStart { memory.subscriptions.append(message.start) }
                            memory.credit += Int(message.addCredit)
                            memory.acknowledged += message.acknowledgedDeliveryIds
                        }
                    }
                }
                group.addTask { [self] in
                    while true {
                        let (next, cut) = memory.withLock { memory in
                            defer { memory.cutsSubscription = false }
                            let next =
                                memory.credit > 0 && memory.sent < memory.outbox.count
                                ? memory.outbox[memory.sent] : nil
                            if next != nil {
                                memory.sent += 1
                                memory.credit -= 1
                            }
                            return (next, memory.cutsSubscription)
                        }
                        if cut { throw RPCError(code: .unavailable, message: "cut") }
                        if let next {
                            var answer = Hedgerow_Telemetry_V1_SubscribeResponse()
                            answer.deliveries = [next]
                            try await response.write(answer)
                        } else {
                            try await Task.sleep(for: .milliseconds(2))
                        }
                    }
                }
                try await group.next()
                group.cancelAll()
            }
        }
    }

    func query(
        request: Hedgerow_Telemetry_V1_QueryRequest, context: ServerContext
    ) async throws -> Hedgerow_Telemetry_V1_QueryResponse { .init() }

    func getLedger(
        request: Hedgerow_Telemetry_V1_GetLedgerRequest, context: ServerContext
    ) async throws -> Hedgerow_Telemetry_V1_GetLedgerResponse { .init() }
}
