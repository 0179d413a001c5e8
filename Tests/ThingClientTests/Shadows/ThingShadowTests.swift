import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Messaging
import RPCSupport
import Shadows
import TestSupport
import Testing

@testable import ThingClient

@Suite("Shadows of a thing", .timeLimit(.minutes(5)))
struct ThingShadowTests {
    private func run<R: Sendable>(
        _ servers: [FakeServer], buffer: Int = 8, _ body: (Thing) async throws -> R
    ) async throws -> R {
        var configuration = ThingConfiguration(state: "unused")
        configuration.backoff = Backoff(initial: .milliseconds(10), maximum: .milliseconds(50))
        configuration.connectTimeout = .seconds(20)
        configuration.commandBuffer = buffer
        let network = FakeNetwork(servers.map(\.target))
        return try await runScoped(try Thing(configuration: configuration, network: network), body: body)
    }

    @Test func theDocumentIsReadChangedAndDeleted() async throws {
        try await FakeServer.run(1) { servers in
            let service = servers[0].shadows
            try await run(servers) { thing in
                let shadow = thing.shadow()
                #expect(try await shadow.get() == nil)
                #expect(try await shadow.report(["t": .number(21.5)]) == 1)
                #expect(try await shadow.desire(["fan": .bool(true), "old": .null]) == 2)
                try await shadow.update(reported: ["n": .integer(1)], version: 2, condition: "exists")
                #expect(
                    service.state.documents == [
                        #"{"state":{"reported":{"t":21.5}}}"#,
                        #"{"state":{"desired":{"fan":true,"old":null}}}"#,
                        #"{"state":{"reported":{"n":1}},"version":2}"#,
                    ])
                service.change {
                    $0.documents.append(#"{"state":{"desired":{"a":1},"reported":{"a":2},"delta":{"a":1}}}"#)
                }
                let state = try #require(try await shadow.get())
                #expect(state.version == 4 && state.desired == ["a": .integer(1)])
                #expect(state.reported == ["a": .integer(2)] && state.delta == ["a": .integer(1)])
                #expect(state.updateTime?.timeIntervalSince1970 == 1_777_890_600)
                #expect(try await shadow.delete())
                #expect(try await shadow.delete() == false)
            }
        }
    }

    @Test func whatTheServerRefusesIsSaidWithItsReason() async throws {
        try await FakeServer.run(1) { servers in
            servers[0].shadows.change {
                $0.refusals = [HedgerowError(.aborted, .shadowVersionConflict, "it has version 7")]
            }
            try await run(servers) { thing in
                let error = await #expect(throws: ThingError.self) {
                    try await thing.shadow("env").update(reported: [:], version: 6)
                }
                guard case .shadowRefused(.shadowVersionConflict, "it has version 7")? = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(servers[0].shadows.state.requests == 1)
            }
        }
    }

    @Test func aChangeIsSentAgainUntilItIsAnsweredUnlessItIsBoundToAVersion() async throws {
        try await FakeServer.run(1) { servers in
            let service = servers[0].shadows
            service.change { $0.lostAnswers = 2 }
            try await run(servers) { thing in
                let version = try await thing.shadow().report(["t": .integer(1)])
                #expect(version == 3)
                #expect(Set(service.state.documents).count == 1 && service.state.documents.count == 3)
                service.change { $0.lostAnswers = 2 }
                for attempt in 0..<2 {
                    let error = await #expect(throws: ThingError.self) {
                        try await thing.shadow().update(
                            reported: ["t": .integer(2)], version: attempt == 0 ? 3 : nil,
                            condition: attempt == 0 ? nil : "version == 4")
                    }
                    guard case .shadowUnanswered? = error else {
                        Issue.record("\(String(describing: error))")
                        return
                    }
                }
                #expect(service.state.documents.count == 5)
            }
        }
    }

    @Test func aServerThatHasTooManyRequestsIsAskedAgain() async throws {
        try await FakeServer.run(1) { servers in
            let busy = HedgerowError(
                .resourceExhausted, .tooManyRequests, "10 are open", retryAfter: .milliseconds(10))
            servers[0].shadows.change { $0.refusals = [busy, busy] }
            try await run(servers) { thing in
                // Nothing was done: this holds for changes that are sent once too.
                let version = try await thing.shadow().update(reported: [:], version: 1)
                #expect(version == 1)
                #expect(servers[0].shadows.state.requests == 3)
            }
        }
    }

    @Test func noMoreThanTenCallsRunAtOnce() async throws {
        try await FakeServer.run(1) { servers in
            let service = servers[0].shadows
            service.change { $0.holdsCalls = true }
            try await run(servers) { thing in
                let shadow = thing.shadow()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<25 {
                        group.addTask { try await shadow.report(["n": .integer(Int64(number))]) }
                    }
                    try await eventually("ten are under way") { service.state.running == 10 }
                    service.change { $0.holdsCalls = false }
                    try await group.waitForAll()
                }
                #expect(service.state.documents.count == 25)
                #expect(service.state.mostRunning == 10)
            }
        }
    }

    @Test func aCallMovesToAnotherServerWhenItsOwnGoes() async throws {
        try await FakeServer.run(2) { servers in
            servers[0].shadows.change { $0.holdsCalls = true }
            try await run(servers) { thing in
                async let version = thing.shadow().report(["t": .integer(1)])
                try await eventually("the first has it") { servers[0].shadows.state.running == 1 }
                servers[0].stop()
                #expect(try await version == 1)
                #expect(servers[1].shadows.state.documents == [#"{"state":{"reported":{"t":1}}}"#])
            }
        }
    }

    @Test func callsEndWithTheThing() async throws {
        try await FakeServer.run(1) { servers in
            try await run(servers) { thing in
                try await thing.waitUntilConnected()
                thing.close()
                try await eventually("it has ended") { thing.hasEnded }
                await #expect(throws: ThingError.self) { try await thing.shadow().get() }
            }
        }
    }
}
