import Foundation
import GRPCCore
import HedgerowAPI
import Messaging
import RPCSupport
import TestSupport
import Testing

@testable import ThingClient

@Suite("A thing and its servers", .timeLimit(.minutes(5)))
struct ThingPublishingTests {
    private let events = EventLog()

    private func configuration(_ change: (inout ThingConfiguration) -> Void = { _ in }) -> ThingConfiguration
    {
        var configuration = ThingConfiguration(state: "unused")
        configuration.backoff = Backoff(initial: .milliseconds(10), maximum: .milliseconds(50))
        configuration.connectTimeout = .seconds(20)
        configuration.flushTimeout = .seconds(30)
        configuration.onEvent = { [events] in events.add($0) }
        change(&configuration)
        return configuration
    }

    private func run<R: Sendable>(
        _ network: FakeNetwork, _ configuration: ThingConfiguration, _ body: (Thing) async throws -> R
    ) async throws -> R {
        try await runScoped(try Thing(configuration: configuration, network: network), body: body)
    }

    private func publish(_ thing: Thing, _ range: ClosedRange<Int>, topic: String = "t/readings") async throws
    {
        for number in range { try await thing.publish(topic, ["value": .double(Double(number))]) }
    }

    /// The error of the thing's that was thrown.
    private func thrown<R>(_ body: () async throws -> R) async -> ThingError? {
        do {
            _ = try await body()
            return nil
        } catch {
            return error as? ThingError
        }
    }

    /// Every message is stored under its sequence, once at each server that has it. (Two servers may both have
    /// what the first could not acknowledge any more; the origin tells the cloud.)
    private func expectStoredOnce(_ servers: [FakeServer], _ range: ClosedRange<UInt64>) {
        for sequence in range {
            let copies = servers.compactMap { $0.service.state.stored[sequence] }
            #expect(!copies.isEmpty && copies.allSatisfy { $0 == [Double(sequence)] }, "sequence \(sequence)")
        }
    }

    @Test func theScopedFormFlushesBeforeItReturns() async throws {
        try await FakeServer.run(1) { servers in
            let statistics = try await run(FakeNetwork(servers.map(\.target)), configuration()) { thing in
                try await publish(thing, 1...100)
                return thing.statistics
            }
            #expect(statistics.published == 100)
            expectStoredOnce(servers, 1...100)
            #expect(events.acknowledged == Array(1...100))
        }
    }

    @Test func aLoneReadingGoesAtOnceAndBusyOnesShareBatches() async throws {
        try await FakeServer.run(1) { servers in
            servers[0].service.configure { $0.delay = .milliseconds(20) }
            try await run(FakeNetwork(servers.map(\.target)), configuration()) { thing in
                try await thing.publishAndWait("t/readings", ["value": 1.0])
                #expect(servers[0].service.state.batchSizes == [1])
                try await publish(thing, 2...3_000)
            }
            let sizes = servers[0].service.state.batchSizes
            #expect(sizes.reduce(0, +) == 3_000)
            #expect(sizes.max() ?? 0 > 10 && sizes.max() ?? 0 <= 1_000, "\(sizes)")
            expectStoredOnce(servers, 1...3_000)
        }
    }

    @Test func aCutStreamIsTakenUpWhereTheServerIs() async throws {
        try await FakeServer.run(1) { servers in
            servers[0].service.configure { $0.cutsAfter = [7, 1, 0, 40] }
            let statistics = try await run(FakeNetwork(servers.map(\.target)), configuration()) { thing in
                try await publish(thing, 1...200)
                try await thing.flush()
                return thing.statistics
            }
            expectStoredOnce(servers, 1...200)
            #expect(events.acknowledged == Array(1...200))
            #expect(statistics.reconnects >= 4)
            #expect(statistics.acknowledged == 200)
            #expect(statistics.unsettled == 0)
            #expect(Set(servers[0].service.state.openings.map(\.epoch)).count == 1)
        }
    }

    @Test func aNewerSessionEndsThisOneWithAClearError() async throws {
        try await FakeServer.run(1) { servers in
            servers[0].service.configure {
                $0.failures = [HedgerowError(.aborted, .sessionSuperseded, "a newer session")]
            }
            let error = await #expect(throws: ThingError.self) {
                try await run(FakeNetwork(servers.map(\.target)), configuration()) { thing in
                    try await publish(thing, 1...1)
                    try await thing.flush()
                }
            }
            guard case .superseded = error else {
                return #expect(Bool(false), "\(String(describing: error))")
            }
            #expect(error?.description.contains("Another process") == true)
        }
    }

    @Test func aSequenceGapIsHealedByANewSession() async throws {
        try await FakeServer.run(1) { servers in
            servers[0].service.configure { $0.failures = [FakeTelemetryService.gap(1)] }
            try await run(FakeNetwork(servers.map(\.target)), configuration()) { thing in
                try await publish(thing, 1...20)
            }
            expectStoredOnce(servers, 1...20)
            #expect(servers[0].service.state.sessions == 2)
        }
    }

    @Test func aRefusedMessageIsReportedAndDoesNotStallOthers() async throws {
        try await FakeServer.run(1) { servers in
            servers[0].service.configure { $0.rejectedTopics = ["t/nowhere": .noRoute] }
            let network = FakeNetwork(servers.map(\.target))
            let error = await thrown {
                try await run(network, configuration()) { thing in
                    try await publish(thing, 1...3)
                    try await publish(thing, 4...5, topic: "t/nowhere")
                    try await publish(thing, 6...8)
                    let own = await thrown { try await thing.publishAndWait("t/nowhere", ["value": 9.0]) }
                    guard case .rejected(.noRoute, "not here", 1) = own else {
                        return #expect(Bool(false), "\(String(describing: own))")
                    }
                    #expect(thing.statistics.rejected == 3)
                    #expect(thing.statistics.acknowledged == 6)
                }
            }
            guard case .rejected(.noRoute, "not here", 2) = error else {
                return #expect(Bool(false), "\(String(describing: error))")
            }
            #expect(events.acknowledged == [1, 2, 3, 6, 7, 8])
        }
    }

    @Test func aPausedServerIsReportedAndWaitedFor() async throws {
        try await FakeServer.run(1) { servers in
            servers[0].service.configure { $0.paused = true }
            try await run(FakeNetwork(servers.map(\.target)), configuration()) { thing in
                try await publish(thing, 1...5)
                try await eventually("the pause is reported") {
                    events.all.contains {
                        if case .paused(.queueFull, .seconds(1)) = $0 { true } else { false }
                    }
                }
                #expect(thing.statistics.acknowledged == 0)
                servers[0].service.configure { $0.paused = false }
                try await thing.flush()
            }
            expectStoredOnce(servers, 1...5)
        }
    }

    @Test func anotherServerTakesOverAndNothingIsLost() async throws {
        try await FakeServer.run(2) { servers in
            let network = FakeNetwork(servers.map(\.target))
            try await run(network, configuration()) { thing in
                try await publish(thing, 1...50)
                try await thing.flush()
                #expect(thing.statistics.currentCore == "core-0")
                servers[0].stop()
                // Until it has gone it may take what comes, as it should.
                try await eventually("the thing is at the other server") {
                    thing.statistics.currentCore == "core-1"
                }
                try await publish(thing, 51...100)
                try await thing.flush()
                #expect(thing.statistics.currentCore == "core-1")
            }
            expectStoredOnce(servers, 1...100)
            #expect(servers[1].service.state.openings.first?.oldestSequence == 51)
        }
    }

    @Test func aSilentAddressIsPassedOver() async throws {
        try await FakeServer.run(2) { servers in
            servers[0].service.configure { $0.silent = true }
            let configuration = configuration { $0.connectTimeout = .milliseconds(300) }
            let core = try await run(FakeNetwork(servers.map(\.target)), configuration) { thing in
                try await publish(thing, 1...3)
                try await thing.flush()
                return thing.statistics.currentCore
            }
            #expect(core == "core-1")
        }
    }

    @Test func theCloudIsAskedAgainWhenEveryAddressFailed() async throws {
        try await FakeServer.run(2) { servers in
            servers[0].stop()
            let network = FakeNetwork([servers[0].target])
            try await run(network, configuration()) { thing in
                try await publish(thing, 1...3)
                try await eventually("asked again") { network.refreshCount >= 2 }
                network.set([servers[1].target])
                try await thing.flush()
            }
            expectStoredOnce([servers[1]], 1...3)
        }
    }

    @Test func aSlowServerBoundsMemoryByMakingPublishersWait() async throws {
        try await FakeServer.run(1) { servers in
            servers[0].service.configure { $0.delay = .milliseconds(10) }
            let configuration = configuration { $0.limits = PublisherLimits(bufferedMessages: 20) }
            try await run(FakeNetwork(servers.map(\.target)), configuration) { thing in
                for number in 1...500 {
                    try await thing.publish("t/readings", ["value": .double(Double(number))])
                    #expect(thing.statistics.unsettled <= 20)
                }
            }
            expectStoredOnce(servers, 1...500)
        }
    }

    @Test func dropOldestCountsWhatItDropsAndDeclaresItLost() async throws {
        try await FakeServer.run(1) { servers in
            let network = FakeNetwork([])
            let configuration = configuration {
                $0.limits = PublisherLimits(bufferedMessages: 10)
                $0.overflow = .dropOldest
            }
            try await run(network, configuration) { thing in
                try await publish(thing, 1...25)
                #expect(thing.statistics.dropped == 15)
                network.set(servers.map(\.target))
                try await thing.flush()
                #expect(thing.statistics.lost == 15)
                #expect(thing.statistics.acknowledged == 10)
            }
            #expect(servers[0].service.state.lost == [1...15])
            expectStoredOnce(servers, 16...25)
            #expect(events.acknowledged == Array(16...25))
        }
    }

    @Test func whatIsNotAcknowledgedInTimeIsSaid() async throws {
        let configuration = configuration { $0.flushTimeout = .milliseconds(50) }
        let error = await #expect(throws: ThingError.self) {
            try await run(FakeNetwork([]), configuration) { thing in try await publish(thing, 1...4) }
        }
        guard case .notAcknowledged(4, 4, _, _) = error else {
            return #expect(Bool(false), "\(String(describing: error))")
        }
    }

    @Test func messagesWithoutGuaranteeAreDroppedAndCountedWithoutAConnection() async throws {
        try await FakeServer.run(1) { servers in
            let network = FakeNetwork([])
            let statistics = try await run(network, configuration()) { thing in
                try await thing.publish("t/readings", ["value": 1.0], qos: .atMostOnce)
                #expect(thing.statistics.dropped == 1)
                network.set(servers.map(\.target))
                try await thing.waitUntilConnected()
                try await thing.publish("t/readings", ["value": 2.0], qos: .atMostOnce)
                try await thing.flush()
                return thing.statistics
            }
            #expect(statistics.sent == 1)
            // Closing ends the stream in good order, so what was written arrives.
            #expect(servers[0].service.state.volatile == [2])
        }
    }

    @Test func aClockFarFromTheServersMarksTimesDoubtful() async throws {
        try await FakeServer.run(1) { servers in
            servers[0].service.configure { $0.clockDifference = 86_400 }
            try await run(FakeNetwork(servers.map(\.target)), configuration()) { thing in
                try await thing.waitUntilConnected()
                try await publish(thing, 1...1)
            }
            #expect(events.all.contains { if case .clockDoubtful = $0 { true } else { false } })
        }
    }

    @Test func aClosedThingTakesNothing() async throws {
        try await FakeServer.run(1) { servers in
            let thing = try await run(FakeNetwork(servers.map(\.target)), configuration()) { $0 }
            await #expect(throws: ThingError.self) { try await thing.publish("t", ["value": 1.0]) }
            await #expect(throws: ThingError.self) { try await thing.run() }
        }
    }

    @Test func wrongInputIsRefusedAtTheDoor() async throws {
        try await FakeServer.run(1) { servers in
            try await run(FakeNetwork(servers.map(\.target)), configuration()) { thing in
                await #expect(throws: ThingError.self) { try await thing.publish("a/#", ["value": 1.0]) }
                await #expect(throws: ThingError.self) { try await thing.publish("a", [:]) }
                #expect(throws: ThingError.self) { try thing.commands("a/#/b") }
                #expect(thing.statistics.published == 0)
            }
        }
        #expect(throws: ThingError.self) { try Thing(configuration: ThingConfiguration()) }
    }
}
