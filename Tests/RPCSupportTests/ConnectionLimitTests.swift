import GRPCCore
import HedgerowAPI
import Identity
import NIOCore
import NIOPosix
import RPCSupport
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct ConnectionLimitTests {
    let pki: TestPKI

    init() throws { pki = try TestPKI() }

    /// A connection that says nothing.
    func connect(_ port: Int) async throws -> any Channel {
        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(
            host: "127.0.0.1", port: port
        )
        .get()
    }

    @Test func aConnectionThatNeverFinishesItsHandshakeIsClosed() async throws {
        var setup = ServerSetup(pki: pki)
        setup.limits = ConnectionLimits(handshake: .seconds(3))
        try await withServer(setup) { server in
            server.health.set(.serving)
            try await withClient(pki, pki.client(.thing, "bme680-1"), port: server.port) { client in
                var options = soon
                options.waitForReady = true
                _ = try await Health.Client(wrapping: client).check(.init(), options: options)
                let began = ContinuousClock.now
                let silent = try await connect(server.port)
                // Ends when the server closes it.
                try await silent.closeFuture.get()
                #expect(ContinuousClock.now - began >= .seconds(2.5))
                // The older connection, which has finished its handshake, goes on.
                try await client.checkHealth()
            }
        }
    }

    @Test func aConnectionOnWhichNothingArrivesIsClosed() async throws {
        var setup = ServerSetup(pki: pki)
        setup.limits = ConnectionLimits(handshake: .seconds(120), silence: .seconds(2))
        try await withServer(setup) { server in
            let began = ContinuousClock.now
            let silent = try await connect(server.port)
            // Ends when the server closes it.
            try await silent.closeFuture.get()
            #expect(ContinuousClock.now - began >= .seconds(1.5))
        }
    }

    @Test func connectionsThatHoldTheirHandshakeMakeRoomForOneThatDoesNot() async throws {
        var setup = ServerSetup(pki: pki)
        setup.limits = ConnectionLimits(maximum: 4, handshake: .seconds(120), silence: .seconds(120))
        try await withServer(setup) { server in
            server.health.set(.serving)
            var silent: [any Channel] = []
            for _ in 0..<4 { silent.append(try await connect(server.port)) }
            try await withClient(pki, pki.client(.thing, "bme680-1"), port: server.port) { client in
                var options = soon
                options.waitForReady = true
                _ = try await Health.Client(wrapping: client).check(.init(), options: options)
            }
            // One of them had to go.
            let isMade = try await eventually { [silent] in silent.filter(\.isActive).count == 3 }
            #expect(isMade)
            for channel in silent where channel.isActive { try await channel.close() }
        }
    }

    @Test func oneConnectionTooManyOfAnIdentityEndsItsOldestAndNobodyElses() async throws {
        var setup = ServerSetup(pki: pki)
        setup.limits = ConnectionLimits(perIdentity: 2)
        try await withServer(setup) { server in
            let bystander = try pki.client(.thing, "bme680-2")
            let greedy = try pki.client(.thing, "bme680-1")
            try await withPublishing(bystander, server) { other in
                try await withPublishing(greedy, server) { oldest in
                    try await withPublishing(greedy, server) { _ in
                        // A certificate of its own, but the same identity.
                        try await withPublishing(pki.client(.thing, "bme680-1"), server) { _ in
                            let isEnded = try await eventually { oldest.hasEnded }
                            #expect(isEnded)
                            // Whoever else has this identity may have to go in turn: their clients come back.
                            for _ in 0..<20 {
                                let before = other.answers
                                other.ask()
                                let isAnswered = try await eventually { other.answers > before }
                                #expect(isAnswered)
                            }
                            #expect(!other.hasEnded)
                        }
                    }
                }
            }
        }
    }

    /// A stream that answers each request, over a connection of its own, while the body runs.
    func withPublishing(
        _ identity: ClientIdentity, _ server: TestServer, _ body: @Sendable (OpenStream) async throws -> Void
    ) async throws {
        let stream = OpenStream()
        try await withClient(pki, identity, port: server.port) { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await stream.run(client) }
                stream.ask()
                let isOpen = try await eventually { stream.answers == 1 }
                #expect(isOpen)
                try await body(stream)
                stream.end()
                try await group.waitForAll()
            }
        }
    }

    @Test func aConnectionAboveTheLimitIsClosedAndTheListenerGoesOn() async throws {
        var setup = ServerSetup(pki: pki)
        setup.limits = ConnectionLimits(maximum: 2)
        try await withServer(setup) { server in
            server.health.set(.serving)
            var connections: [any Channel] = []
            for _ in 0..<5 { connections.append(try await connect(server.port)) }
            // Whichever come first: each is looked at on an event loop of its own.
            let isLimited = try await eventually { [connections] in
                connections.filter(\.isActive).count == 2
            }
            #expect(isLimited)
            let admitted = connections.filter(\.isActive)
            try await admitted.first?.close()
            // There is room again, as soon as the server has seen the end of the first.
            try await withClient(pki, pki.client(.thing, "bme680-1"), port: server.port) { client in
                var options = soon
                options.waitForReady = true
                _ = try await Health.Client(wrapping: client).check(.init(), options: options)
            }
            try await admitted.last?.close()
        }
    }
}
