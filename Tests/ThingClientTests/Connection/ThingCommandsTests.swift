import HedgerowAPI
import Messaging
import RPCSupport
import TestSupport
import Testing

@testable import ThingClient

@Suite("Commands that come down to a thing", .timeLimit(.minutes(5)))
struct ThingCommandsTests {
    private func configuration() -> ThingConfiguration {
        var configuration = ThingConfiguration(state: "unused")
        configuration.backoff = Backoff(initial: .milliseconds(10), maximum: .milliseconds(50))
        configuration.connectTimeout = .seconds(20)
        configuration.commandBuffer = 8
        return configuration
    }

    private func run<R: Sendable>(
        _ servers: [FakeServer], _ body: (Thing) async throws -> R
    ) async throws -> R {
        let network = FakeNetwork(servers.map(\.target))
        return try await runScoped(try Thing(configuration: configuration(), network: network), body: body)
    }

    @Test func aSecondSubscriptionAtQoS1IsRefusedWhileThereIsOne() async throws {
        try await FakeServer.run(1) { servers in
            try await run(servers) { thing in
                let first = try thing.commands("a/#")
                #expect(throws: ThingError.self) { _ = try thing.commands("b/#") }
                // QoS 0 needs no acknowledger, and there may be several.
                let second = try thing.commands("b/#", qos: .atMostOnce)
                _ = (first, second)
            }
        }
    }

    @Test func messagesArriveInOrderAndAreAcknowledgedAfterTheirHandler() async throws {
        try await FakeServer.run(1) { servers in
            let service = servers[0].service
            for number in 1...50 as ClosedRange<UInt64> { service.send("\(number)", sequence: number) }
            try await run(servers) { thing in
                var texts: [String?] = []
                for try await command in try thing.commands("commands/#") {
                    let own = UInt64(texts.count + 1)
                    #expect(!service.state.acknowledged.contains(own), "not before the handler is done")
                    texts.append(command.text)
                    if texts.count == 50 { break }
                }
                #expect(texts == (1...50).map { "\($0)" })
                #expect(service.state.subscriptions.map(\.topicFilters) == [["commands/#"]])
                #expect(service.state.subscriptions.map(\.atLeastOnce) == [true])
            }
        }
    }

    @Test func aSlowHandlerHoldsNoMoreThanItsBuffer() async throws {
        try await FakeServer.run(1) { servers in
            let service = servers[0].service
            for number in 1...100 as ClosedRange<UInt64> { service.send("\(number)", sequence: number) }
            try await run(servers) { thing in
                let commands = try thing.commands("commands/#")
                try await eventually("the buffer is full") { service.state.sent == 8 }
                try await Task.sleep(for: .milliseconds(50))
                #expect(service.state.sent == 8)
                var count = 0
                for try await _ in commands {
                    count += 1
                    if count == 100 { break }
                }
                #expect(count == 100)
            }
        }
    }

    @Test func afterACutEachMessageIsHandledOnceAndAcknowledged() async throws {
        try await FakeServer.run(1) { servers in
            let service = servers[0].service
            for number in 1...6 as ClosedRange<UInt64> { service.send("\(number)", sequence: number) }
            try await run(servers) { thing in
                var texts: [String?] = []
                for try await command in try thing.commands("commands/#") {
                    texts.append(command.text)
                    if texts.count == 3 {
                        // The server forgets the stream and sends everything again.
                        service.withMemory { $0.cutsSubscription = true }
                        try await eventually("subscribed again") { service.state.subscriptions.count == 2 }
                        service.send("7", sequence: 7)
                    }
                    if texts.count == 7 {
                        try await eventually("all handled ones are acknowledged in the end") {
                            Set(service.state.acknowledged).isSuperset(of: 1...6)
                        }
                        break
                    }
                }
                #expect(texts == (1...7).map { "\($0)" })
            }
        }
    }

    @Test func theSubscriptionMovesToAnotherServerAndRecognisesRepeats() async throws {
        try await FakeServer.run(2) { servers in
            servers[0].service.send("1", sequence: 1)
            servers[1].service.send("1", sequence: 1, deliveryID: 901)
            servers[1].service.send("2", sequence: 2, deliveryID: 902)
            try await run(servers) { thing in
                var texts: [String?] = []
                for try await command in try thing.commands("commands/#") {
                    texts.append(command.text)
                    if texts.count == 1 { servers[0].stop() }
                    if texts.count == 2 {
                        try await eventually("the repeat is acknowledged there") {
                            servers[1].service.state.acknowledged.contains(901)
                        }
                        break
                    }
                }
                #expect(texts == ["1", "2"])
            }
        }
    }

    @Test func theSequenceEndsWhenTheThingIsClosed() async throws {
        try await FakeServer.run(1) { servers in
            let ended = try await run(servers) { thing in
                try await withThrowingTaskGroup(of: Bool.self) { group in
                    let commands = try thing.commands("commands/#")
                    group.addTask {
                        for try await _ in commands {}
                        return true
                    }
                    try await thing.waitUntilConnected()
                    thing.close()
                    return try await group.next() ?? false
                }
            }
            #expect(ended)
        }
    }
}
