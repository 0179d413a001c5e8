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

@Suite(.timeLimit(.minutes(5))) struct MutualTLSTests {
    let pki: TestPKI

    init() throws { pki = try TestPKI() }

    @Test(arguments: ["127.0.0.1", "::1", "localhost"])
    func aClientConnectsByAddressAndByName(_ host: String) async throws {
        let listen = host == "::1" ? "::1" : "127.0.0.1"
        try await withServer(ServerSetup(pki: pki, host: listen)) { server in
            server.health.set(.serving)
            try await withClient(pki, pki.client(.thing, "bme680-1"), port: server.port, host: host) {
                client in
                try await client.checkHealth()
            }
            #expect(server.refusals.count == 0)
            #expect(server.calls.count == 0)
        }
    }

    @Test func aServerOfAnotherCloudIsNotTrusted() async throws {
        let other = try TestPKI()
        let refusals = PeerRefusals(side: "client", logger: nil)
        try await withServer(ServerSetup(pki: other)) { server in
            let error = try await withClient(
                pki, other.client(.thing, "bme680-1"), port: server.port, refusals: refusals
            ) { client in await failure { try await client.checkHealth() } }
            #expect(error?.code == .unavailable)
            guard case .unknownAuthority = refusals.last else {
                Issue.record("refused for another reason: \(String(describing: refusals.last))")
                return
            }
            let explained = CallerError(
                try #require(error), endpoint: NetworkEndpoint(host: "127.0.0.1", port: server.port),
                refusal: refusals.last)
            let refusal = try #require(refusals.last)
            #expect(explained.kind == .serverNotTrusted(refusal))
            #expect(explained.description.contains("not trusted"))
        }
    }

    @Test func anotherServerOfTheSameCloudIsNotTheOneThatWasMeant() async throws {
        let refusals = PeerRefusals(side: "client", logger: nil)
        let group = try pki.group("hall")
        try await withServer(
            ServerSetup(pki: pki, table: .core, identity: pki.coreServer("pi-2", group: group))
        ) { server in
            let thing = try pki.client(.thing, "bme680-1")
            let error = try await withClient(
                pki, thing, port: server.port, verifier: pki.coreVerifier("pi-1", groups: [group]),
                serverName: CoreServerName.name(forCore: "pi-1"), refusals: refusals
            ) { client in await failure { try await client.checkHealth() } }
            #expect(error?.code == .unavailable)
            #expect(refusals.last?.cause == "unexpectedIdentity")
            // The group's old and new authorities are both trusted.
            server.health.set(.serving)
            try await withClient(
                pki, thing, port: server.port,
                verifier: pki.coreVerifier("pi-2", groups: [pki.group("hall"), group]),
                serverName: CoreServerName.name(forCore: "pi-2")
            ) { client in try await client.checkHealth() }
        }
    }

    /// Connects with an identity that the server must refuse; returns the server's reason and what the client
    /// makes of it.
    func refused(
        _ identity: ClientIdentity?, _ setup: ServerSetup
    ) async throws -> (cause: String?, logged: Int, error: CallerError) {
        try await withServer(setup) { server in
            let error = try await withClient(pki, identity, port: server.port) { client in
                await failure { try await client.checkHealth() }
            }
            let thrown = try #require(error)
            #expect(thrown.code == .unavailable)
            return (
                server.refusals.last?.cause, server.log.entries.count { $0.level == .warning },
                CallerError(thrown, endpoint: NetworkEndpoint(host: "127.0.0.1", port: server.port))
            )
        }
    }

    @Test func aClientOfAnotherCloudIsRefusedAndTheLogSaysWhy() async throws {
        let result = try await refused(TestPKI().client(.thing, "bme680-1"), ServerSetup(pki: pki))
        #expect(result.cause == "unknownAuthority")
        #expect(result.logged == 1)
        #expect(result.error.kind == .identityNotAccepted, "\(result.error)")
    }

    @Test func anExpiredClientIsRefused() async throws {
        let identity = try pki.client(.thing, "bme680-1", now: Date() - 400 * 86_400)
        let result = try await refused(identity, ServerSetup(pki: pki))
        #expect(result.cause == "expired")
        #expect(result.error.kind == .identityNotAccepted, "\(result.error)")
    }

    @Test func aClientFromTheFutureIsRefused() async throws {
        let result = try await refused(
            try pki.client(.thing, "bme680-1", now: Date() + 2 * 86_400), ServerSetup(pki: pki))
        #expect(result.cause == "notYetValid")
    }

    @Test func aClientWithoutCertificateIsRefused() async throws {
        let result = try await refused(nil, ServerSetup(pki: pki))
        #expect(result.error.kind == .identityNotAccepted, "\(result.error)")
    }

    @Test func aServerCertificateIsNoClientCertificate() async throws {
        let result = try await refused(try pki.cloudServer(), ServerSetup(pki: pki))
        #expect(result.cause == "wrongUsage")
    }

    @Test func aRevokedClientIsRefusedAtTheHandshake() async throws {
        let identity = try pki.client(.thing, "bme680-1")
        let serial = try Certificates.parse(pem: identity.chainPEM)[0].serialNumberText
        let verifier = pki.clientVerifier(isRevoked: { $0 == serial })
        let result = try await refused(identity, ServerSetup(pki: pki, verifier: verifier))
        #expect(result.cause == "revoked")
    }

    @Test func aClosedPortIsSaidToBeOne() async throws {
        let port = try await withServer(ServerSetup(pki: pki)) { $0.port }
        let error = try await withClient(pki, pki.client(.thing, "bme680-1"), port: port) { client in
            await failure { try await client.checkHealth() }
        }
        let explained = CallerError(
            try #require(error), endpoint: NetworkEndpoint(host: "127.0.0.1", port: port))
        #expect(explained.kind == .unreachable)
        #expect(explained.description.contains("nothing answers at 127.0.0.1:\(port)"), "\(explained)")
    }

    @Test func theEnrolmentListenerAsksForNoCertificate() async throws {
        try await withServer(ServerSetup(pki: pki, table: .enrollment)) { server in
            server.health.set(.serving)
            try await withClient(pki, nil, port: server.port) { client in
                try await client.checkHealth()
                let error = await failure {
                    _ = try await Telemetry.Client(wrapping: client).query(.init(), options: soon)
                }
                #expect(error?.code == .unauthenticated)
                #expect(reason(error) == .noIdentity)
            }
        }
    }

    @Test func aCertificateIsSwappedWhileAStreamGoesOn() async throws {
        let seen = Mutex<[String]>([])
        let verifier = pki.cloudVerifier(isRevoked: { serial in
            seen.withLock { $0.append(serial) }
            return false
        })
        try await withServer(ServerSetup(pki: pki)) { server in
            server.health.set(.serving)
            let first = server.certificate.serialNumber
            let thing = try pki.client(.thing, "bme680-1")
            let (requests, feed) = AsyncStream.makeStream(of: Void.self)
            try await withClient(pki, thing, port: server.port, verifier: verifier) { client in
                try await Telemetry.Client(wrapping: client).publish(options: soon) { writer in
                    for await _ in requests { try await writer.write(.init()) }
                } onResponse: { response in
                    feed.yield()
                    for try await answer in response.messages {
                        switch answer.acknowledgedSequence {
                        case 1:
                            let new = try pki.cloudServer()
                            try server.certificate.replace(chainPEM: new.chainPEM, keyPEM: new.keyPEM)
                            try await withClient(pki, thing, port: server.port, verifier: verifier) {
                                try await $0.checkHealth()
                            }
                            feed.yield()
                        case 2: feed.finish()
                        default: Issue.record("the stream began anew")
                        }
                    }
                }
            }
            #expect(first != server.certificate.serialNumber)
            #expect(seen.withLock { $0 } == [first, server.certificate.serialNumber])
            let unrelated = try pki.cloudServer()
            #expect(throws: (any Error).self) {
                try server.certificate.replace(
                    chainPEM: unrelated.chainPEM, keyPEM: PrivateKey.generate().pem)
            }
            #expect(server.certificate.serialNumber == seen.withLock { $0.last })
        }
    }
}
