import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Identity
import RPCSupport
import TestSupport
import Testing

@testable import EdgeCore

/// What gRPC lets anybody do: too much, too large, too slow, and not what the protocol says.
@Suite("A thing that does too much harms nobody else", .timeLimit(.minutes(5)))
struct HostileCallsTests {
    /// Sends bytes as they are where a message should be.
    struct Bytes: MessageSerializer, MessageDeserializer {
        func serialize<Output: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Output { Output(message) }
        func deserialize<Input: GRPCContiguousBytes>(_ bytes: Input) throws -> [UInt8] {
            bytes.withUnsafeBytes { Array($0) }
        }
    }

    /// What a `Publish` with one such message ends with.
    static func publish(_ bytes: [UInt8], _ client: Fleet.Client) async -> RPCError? {
        do {
            try await client.bidirectionalStreaming(
                request: StreamingClientRequest { try await $0.write(bytes) },
                descriptor: Hedgerow_Telemetry_V1_TelemetryService.Method.Publish.descriptor,
                serializer: Bytes(), deserializer: Bytes(), options: .defaults
            ) { response in
                for try await _ in response.messages {}
            }
            return nil
        } catch {
            return error as? RPCError
        }
    }

    @Test("what is no message, or too large a one, ends its call with an error that says so")
    func badMessages() async throws {
        try await HealthyThing.with { fleet, healthy in
            let identity = try await fleet.identity(.thing, "bad-1")
            try await fleet.connect(to: .core("core-1"), as: identity) { client in
                for _ in 0..<20 {
                    let malformed = await Self.publish(Array(repeating: 0xFF, count: 1_000), client)
                    #expect(malformed?.code == .invalidArgument, "\(String(describing: malformed))")
                    let large = await Self.publish(
                        Array(repeating: 0, count: ServerTransports.maximumMessageSize + 1), client)
                    // RESOURCE_EXHAUSTED, or what a reset of the stream looks like while the client still sends.
                    let codes: [RPCError.Code] = [.resourceExhausted, .unavailable]
                    #expect(large.map { codes.contains($0.code) } == true, "\(String(describing: large))")
                    try await healthy.goesOn(1)
                }
                // The connection is as good as before.
                try await withPublisher(client) { _ = try await $0.open() }
            }
        }
    }

    @Test("streams that say nothing take only the places of their own thing")
    func idleStreams() async throws {
        var limits = CoreConfiguration.Limits()
        limits.callsPerThing = 4
        try await HealthyThing.with(limits: limits) { fleet, healthy in
            let identity = try await fleet.identity(.thing, "bad-1")
            try await fleet.connect(to: .core("core-1"), as: identity) { client in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<4 {
                        group.addTask {
                            try await withPublisher(client) { _ in try await Self.untilCancelled() }
                        }
                    }
                    let calls = {
                        try fleet.core("core-1").parts.activeCalls.count(
                            of: Principal(role: .thing, name: "bad-1"))
                    }
                    try await eventually("the places are taken", holds: { try calls() == 4 })
                    try await withPublisher(client) { publisher in
                        publisher.send(.opening(epoch: publisher.epoch))
                        let refusal = try await publisher.refusal()
                        #expect(refusal.code == .resourceExhausted && refusal.reason == .tooManyCalls)
                        #expect(refusal.retryAfter != nil)
                    }
                    try await healthy.goesOn()
                    group.cancelAll()
                }
            }
        }
    }

    /// Waits for the end of the task.
    static func untilCancelled() async throws {
        while true { try await Task.sleep(for: .seconds(60)) }
    }

    @Test("a flood of messages is taken at the pace of its thing")
    func flood() async throws {
        var limits = CoreConfiguration.Limits()
        limits.messagesPerSecondPerThing = 500
        try await HealthyThing.with(limits: limits) { fleet, healthy in
            let identity = try await fleet.identity(.thing, "bad-1")
            try await fleet.connect(to: .core("core-1"), as: identity) { client in
                try await withPublisher(client) { publisher in
                    try await publisher.open()
                    let began = ContinuousClock.now
                    for sequence in 1...1_500 {
                        publisher.publish(.plain(UInt64(sequence), "hall/b", ["value": 1]))
                    }
                    try await healthy.goesOn()
                    try await publisher.acknowledged(through: 1_500)
                    // 500 at once, the others at their rate.
                    #expect(ContinuousClock.now - began >= .seconds(1.9))
                }
            }
        }
    }

    @Test("one request far above the limit is taken, and the next one is refused with the time to wait")
    func farAboveTheRate() async throws {
        var limits = CoreConfiguration.Limits()
        limits.bytesPerSecondPerThing = 10_000
        try await HealthyThing.with(limits: limits) { fleet, healthy in
            let identity = try await fleet.identity(.thing, "bad-1")
            try await fleet.connect(to: .core("core-1"), as: identity) { client in
                try await withPublisher(client) { publisher in
                    try await publisher.open()
                    publisher.publish(.payload(1, "hall/b", bytes: 900_000))
                    try await publisher.acknowledged(through: 1)
                    publisher.publish(.payload(2, "hall/b", bytes: 10))
                    let refusal = try await publisher.refusal()
                    #expect(refusal.code == .resourceExhausted && refusal.reason == .rateLimited)
                    let wait = try #require(refusal.retryAfter)
                    #expect(wait > .seconds(30) && wait < .seconds(91))
                }
            }
            try await healthy.goesOn()
        }
    }

    @Test("one thing too many, again and again, takes no place of another")
    func oneThingTooMany() async throws {
        var limits = CoreConfiguration.Limits()
        limits.connectedThings = 2
        try await HealthyThing.with(others: ["bad-1", "thing-2"], limits: limits) { fleet, healthy in
            let second = try await fleet.identity(.thing, "thing-2")
            let late = try await fleet.identity(.thing, "bad-1")
            try await fleet.connect(to: .core("core-1"), as: second) { client in
                try await withPublisher(client) { publisher in
                    try await publisher.open()
                    try await fleet.connect(to: .core("core-1"), as: late) { bad in
                        for _ in 0..<50 {
                            async let other = withPublisher(client) { try await $0.open(stream: "second") }
                            try await withPublisher(bad) { late in
                                late.send(.opening(epoch: late.epoch))
                                let refusal = try await late.refusal()
                                #expect(refusal.reason == .tooManyCalls && refusal.retryAfter != nil)
                            }
                            // Who has a place may open another stream at that very moment.
                            _ = try await other
                        }
                    }
                    try await healthy.goesOn()
                }
            }
        }
    }
}
