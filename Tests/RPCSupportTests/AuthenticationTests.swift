import Foundation
import GRPCCore
import HedgerowAPI
import Identity
import InMemoryLogging
import Logging
import PKI
import RPCSupport
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct AuthenticationTests {
    let pki: TestPKI
    let thing: ClientIdentity
    let core: ClientIdentity
    let op: ClientIdentity

    init() throws {
        pki = try TestPKI()
        thing = try pki.client(.thing, "bme680-1")
        core = try pki.client(.core, "pi-1")
        op = try pki.client(.operator, "ada")
    }

    @Test func aRoleThatMayNotCallAMethodIsToldSo() async throws {
        let asked = Mutex(false)
        var setup = ServerSetup(pki: pki)
        setup.telemetry.onQuery = { _ in asked.withLock { $0 = true } }
        try await withServer(setup) { server in
            try await withClient(pki, thing, port: server.port) { client in
                let error = await failure {
                    _ = try await Telemetry.Client(wrapping: client).query(.init(), options: soon)
                }
                #expect(error?.code == .permissionDenied)
                #expect(reason(error) == .roleNotAllowed)
                let thrown = try #require(error)
                #expect(CallerError(thrown).kind == .answered(.roleNotAllowed))
            }
        }
        #expect(!asked.withLock { $0 })
    }

    @Test func onACoreOperatorsAndCoresMayOnlyAskForHealth() async throws {
        let group = try pki.group("hall")
        try await withServer(
            ServerSetup(pki: pki, table: .core, identity: pki.coreServer("pi-1", group: group))
        ) { server in
            server.health.set(.serving)
            for identity in [op, core, thing] {
                try await withClient(
                    pki, identity, port: server.port, verifier: pki.coreVerifier("pi-1", groups: [group]),
                    serverName: CoreServerName.name(forCore: "pi-1")
                ) { client in
                    try await client.checkHealth()
                    let error = await failure {
                        try await Telemetry.Client(wrapping: client).publish(options: soon) { _ in
                        } onResponse: {
                            for try await _ in $0.messages {}
                        }
                    }
                    if identity.chainPEM == thing.chainPEM {
                        #expect(error == nil)
                    } else {
                        #expect(reason(error) == .roleNotAllowed)
                    }
                }
            }
        }
    }

    @Test func theHandlerKnowsWhoCalls() async throws {
        let peer = Mutex<AuthenticatedPeer?>(nil)
        var setup = ServerSetup(pki: pki)
        setup.telemetry.onQuery = { context in
            let found = try context.peer()
            peer.withLock { $0 = found }
        }
        try await withServer(setup) { server in
            try await withClient(pki, op, port: server.port) { client in
                _ = try await Telemetry.Client(wrapping: client).query(.init(), options: soon)
            }
        }
        let found = try #require(peer.withLock { $0 })
        #expect(found.principal == (try Principal(role: .operator, name: "ada")))
        #expect(found.serialNumber == (try Certificates.parse(pem: op.chainPEM)[0].serialNumberText))
        #expect(found.remoteAddress.hasPrefix("ipv4:127.0.0.1:"))
    }

    @Test func anErrorOfOursArrivesWhole() async throws {
        try await withServer(ServerSetup(pki: pki)) { server in
            try await withClient(pki, op, port: server.port) { client in
                var request = Hedgerow_Telemetry_V1_GetLedgerRequest()
                request.thing = "nobody"
                let error = await failure { [request] in
                    _ = try await Telemetry.Client(wrapping: client).getLedger(request, options: soon)
                }
                let ours = try #require(error.flatMap(HedgerowError.init))
                #expect(ours.code == .notFound)
                #expect(ours.reason == .notFound)
                #expect(ours.message == "nothing of operator/ada")
                #expect(ours.details == ["thing": "nobody"])
                #expect(ours.retryAfter == .seconds(3))
                #expect(ours.violations == [.init(field: "thing", description: "is unknown")])
                #expect(CallerError(ours).description == "nothing of operator/ada; thing: is unknown")
            }
        }
    }

    @Test func unexpectedErrorsGetAnIdAndTellNothing() async throws {
        var setup = ServerSetup(pki: pki)
        setup.telemetry.onQuery = { _ in throw Unexpected() }
        setup.telemetry.onSubscribe = { _, writer in
            try await writer.write(.init())
            throw Unexpected()
        }
        try await withServer(setup) { server in
            try await withClient(pki, op, port: server.port) { client in
                let telemetry = Telemetry.Client(wrapping: client)
                let unary = await failure { _ = try await telemetry.query(.init(), options: soon) }
                let streaming = await failure {
                    try await telemetry.subscribe(options: soon) { _ in
                    } onResponse: {
                        for try await _ in $0.messages {}
                    }
                }
                for error in [unary, streaming] {
                    #expect(error?.code == .internalError)
                    #expect(reason(error) == .internal)
                    let ours = try #require(error.flatMap(HedgerowError.init))
                    #expect(!ours.message.contains("do not tell"))
                    let id = try #require(ours.details["id"])
                    #expect(ours.message.contains(id))
                    let logged = server.log.entries.first { $0.metadata["id"] == "\(id)" }
                    #expect(logged?.level == .error)
                    let detail = "\(logged?.metadata["error"] ?? "nothing")"
                    #expect(detail.contains("do not tell"))
                }
            }
        }
    }

    @Test func otherErrorsPassAndCancellationMeansShuttingDown() async throws {
        var setup = ServerSetup(pki: pki)
        setup.telemetry.onQuery = { _ in throw RPCError(code: .dataLoss, message: "as it is") }
        setup.telemetry.onSubscribe = { _, _ in throw CancellationError() }
        try await withServer(setup) { server in
            try await withClient(pki, op, port: server.port) { client in
                let telemetry = Telemetry.Client(wrapping: client)
                let unary = await failure { _ = try await telemetry.query(.init(), options: soon) }
                #expect(unary?.code == .dataLoss)
                #expect(unary?.message == "as it is")
                let streaming = await failure {
                    try await telemetry.subscribe(options: soon) { _ in
                    } onResponse: {
                        for try await _ in $0.messages {}
                    }
                }
                #expect(streaming?.code == .unavailable)
                #expect(reason(streaming) == .shuttingDown)
            }
            #expect(server.log.entries.isEmpty)
        }
    }

    @Test(arguments: [true, false])
    func theKillSwitchEndsAnOpenStream(_ listens: Bool) async throws {
        let revoked = Mutex(false)
        let ended = Mutex(false)
        var setup = ServerSetup(pki: pki, isRevoked: { _, _ in revoked.withLock { $0 } })
        setup.telemetry.onSubscribe = { context, writer in
            try await writer.write(.init())
            defer { ended.withLock { $0 = true } }
            // One handler listens to the end of its call, the other knows nothing of it.
            let forever: @Sendable () async throws -> Void = { try await Task.sleep(for: .seconds(3_600)) }
            if listens { try await untilCancelled(context, forever) } else { try await forever() }
        }
        let principal = try Principal(role: .thing, name: "bme680-1")
        try await withServer(setup) { server in
            try await withClient(pki, thing, port: server.port) { client in
                let error = await failure {
                    try await Telemetry.Client(wrapping: client).subscribe(options: soon) { _ in
                    } onResponse: { response in
                        for try await _ in response.messages {
                            #expect(server.calls.count(of: principal) == 1)
                            #expect(server.calls.principals == [principal])
                            revoked.withLock { $0 = true }
                            #expect(server.calls.cancel(principal) == 1)
                        }
                    }
                }
                #expect(error?.code == .unauthenticated)
                #expect(reason(error) == .revoked)
                #expect(ended.withLock { $0 })
                // The connection is still there; the identity is good for nothing.
                let again = await failure { try await client.checkHealth() }
                #expect(reason(again) == .revoked)
            }
            #expect(server.calls.count == 0)
        }
    }

    @Test func oneCallerCannotHaveTooManyCalls() async throws {
        var setup = ServerSetup(pki: pki, maximumCalls: 1)
        setup.telemetry.onSubscribe = { context, writer in
            try await writer.write(.init())
            try await untilCancelled(context) { try await Task.sleep(for: .seconds(3_600)) }
        }
        try await withServer(setup) { server in
            server.health.set(.serving)
            try await withClient(pki, thing, port: server.port) { client in
                try await Telemetry.Client(wrapping: client).subscribe(options: soon) { _ in
                } onResponse: { response in
                    for try await _ in response.messages {
                        let error = await failure { try await client.checkHealth() }
                        #expect(error?.code == .resourceExhausted)
                        #expect(reason(error) == .tooManyCalls)
                        // Somebody else is not affected.
                        try await withClient(pki, op, port: server.port) { try await $0.checkHealth() }
                        break
                    }
                }
                // The caller has gone away from its stream, so there is room again.
                #expect(try await eventually { server.calls.count == 0 })
                try await client.checkHealth()
            }
        }
    }

    @Test func aGracefulShutdownEndsStreams() async throws {
        var setup = ServerSetup(pki: pki)
        setup.telemetry.onSubscribe = { context, writer in
            try await writer.write(.init())
            try await untilCancelled(context) { try await Task.sleep(for: .seconds(3_600)) }
        }
        try await withServer(setup) { server in
            try await withClient(pki, thing, port: server.port) { client in
                let error = await failure {
                    try await Telemetry.Client(wrapping: client).subscribe(options: soon) { _ in
                    } onResponse: { response in
                        for try await _ in response.messages { server.shutDown() }
                    }
                }
                #expect(error?.code == .unavailable)
                #expect(reason(error) == .shuttingDown)
            }
        }
    }
}
