import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Identity
import Logging
import PKI
import RPCSupport
import SwiftProtobuf
import Synchronization
import TestSupport

@testable import ThingClient

/// A cloud that enrols, renews, tells where the core is and takes telemetry, and one core of its group: real
/// certificates and TLS on loopback.
final class FakeRegistry: Hedgerow_Provisioning_V1_ProvisioningService.SimpleServiceProtocol {
    struct State: Sendable {
        var boundKey: String?
        var repliesToLose = 0
        var acceptsToken = true
        var validity: Duration = CertificateAuthority.Validity.client
        var enrolls = 0
        var renews = 0
        var discoveries = 0
        var discoveryFails = false
        var answer = Hedgerow_Discovery_V1_DiscoverResponse()
    }

    let pki: TestPKI
    let group: CertificateAuthority
    let core = FakeTelemetryService(name: "pi-1")
    let cloud = FakeTelemetryService(name: "cloud")
    let state = Mutex(State())

    init() throws {
        pki = try TestPKI()
        group = try pki.group("hall")
    }

    /// Serves cloud and core while the body runs, which is given a token.
    func run<R: Sendable>(_ body: @Sendable (TokenFile) async throws -> R) async throws -> R {
        let refusals = PeerRefusals(side: "fake", logger: nil)
        let mutual = try ServerTransports.mutualTLS(
            host: "127.0.0.1", port: 0, identity: ReloadableCertificate(pki.cloudServer()),
            verifier: pki.clientVerifier(), refusals: refusals)
        let enrollment = try ServerTransports.serverTLS(
            host: "127.0.0.1", port: 0, identity: ReloadableCertificate(pki.cloudServer()))
        let local = try ServerTransports.mutualTLS(
            host: "127.0.0.1", port: 0, identity: ReloadableCertificate(pki.coreServer("pi-1", group: group)),
            verifier: pki.clientVerifier(), refusals: refusals)
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            let servers = [
                GRPCServer(
                    transport: mutual, services: [self, FakeDiscovery(registry: self), cloud],
                    interceptors: [interceptor(.cloud)]),
                GRPCServer(transport: enrollment, services: [self], interceptors: [interceptor(.enrollment)]),
                GRPCServer(transport: local, services: [core], interceptors: [interceptor(.core)]),
            ]
            for server in servers { tasks.addTask { try await server.serve() } }
            let mutualPort = try await mutual.listeningAddress.ipv4?.port ?? 0
            let enrollmentPort = try await enrollment.listeningAddress.ipv4?.port ?? 0
            let corePort = try await local.listeningAddress.ipv4?.port ?? 0
            state.withLock { $0.answer = discovery(port: corePort, authority: group) }
            let token = TokenFile(
                role: .thing, name: "bme680-1", cloud: [NetworkEndpoint(host: "127.0.0.1", port: mutualPort)],
                enrollment: [NetworkEndpoint(host: "127.0.0.1", port: enrollmentPort)],
                rootCertificate: pki.root.certificatePEM, token: "secret",
                expireTime: Date(timeIntervalSinceNow: 3_600), trustDomain: pki.trustDomain)
            let result = try await body(token)
            for server in servers { server.beginGracefulShutdown() }
            try await tasks.waitForAll()
            return result
        }
    }

    func discovery(
        port: Int, authority: CertificateAuthority
    ) -> Hedgerow_Discovery_V1_DiscoverResponse {
        var core = Hedgerow_Discovery_V1_DiscoveredCore()
        core.core = "pi-1"
        core.spiffeID = "spiffe://\(pki.trustDomain)/core/pi-1"
        core.serverName = CoreServerName.name(forCore: "pi-1")
        var endpoint = Hedgerow_Type_V1_Endpoint()
        endpoint.host = "127.0.0.1"
        endpoint.port = UInt32(port)
        core.endpoints = [endpoint]
        var group = Hedgerow_Discovery_V1_DiscoveredGroup()
        group.group = "hall"
        group.cores = [core]
        group.caCertificates = [authority.certificatePEM]
        var answer = Hedgerow_Discovery_V1_DiscoverResponse()
        answer.groups = [group]
        return answer
    }

    private func interceptor(_ table: AuthorizationTable) -> AuthenticationInterceptor {
        AuthenticationInterceptor(
            table: table, trustDomain: pki.trustDomain, activeCalls: ActiveCalls(),
            logger: Logger(label: "fake") { _ in SwiftLogNoOpLogHandler() })
    }

    // MARK: services

    func enroll(
        request: Hedgerow_Provisioning_V1_EnrollRequest, context: ServerContext
    ) async throws -> Hedgerow_Provisioning_V1_EnrollResponse {
        let key = try SigningRequest(der: Array(request.signingRequest)).publicKeyFingerprint
        let (accepted, lost, validity) = state.withLock { state in
            state.enrolls += 1
            let fits = state.acceptsToken && (state.boundKey ?? key) == key
            if fits { state.boundKey = key }
            let lost = state.repliesToLose > 0
            if lost { state.repliesToLose -= 1 }
            return (fits, lost, state.validity)
        }
        guard accepted else {
            throw HedgerowError(.permissionDenied, .tokenNotAccepted, "the token is spent")
        }
        if lost { throw RPCError(code: .unavailable, message: "lost") }
        let leaf = try issue(Array(request.signingRequest), validity)
        var response = Hedgerow_Provisioning_V1_EnrollResponse()
        response.certificateChain = leaf.chainPEM
        response.rootCertificate = pki.root.certificatePEM
        response.renewTime = Google_Protobuf_Timestamp(date: leaf.renewTime)
        return response
    }

    func renew(
        request: Hedgerow_Provisioning_V1_RenewRequest, context: ServerContext
    ) async throws -> Hedgerow_Provisioning_V1_RenewResponse {
        let validity = state.withLock { state in
            state.renews += 1
            return state.validity
        }
        let leaf = try issue(Array(request.signingRequest), validity)
        var response = Hedgerow_Provisioning_V1_RenewResponse()
        response.certificateChain = leaf.chainPEM
        response.renewTime = Google_Protobuf_Timestamp(date: leaf.renewTime)
        return response
    }

    private func issue(_ request: [UInt8], _ validity: Duration) throws -> IssuedLeaf {
        try pki.issuing.issueClient(
            request: request, principal: Principal(role: .thing, name: "bme680-1"),
            trustDomain: pki.trustDomain,
            now: Date(), validity: validity)
    }
}

/// The discovery of ``FakeRegistry``.
struct FakeDiscovery: Hedgerow_Discovery_V1_DiscoveryService.SimpleServiceProtocol {
    let registry: FakeRegistry

    func discover(
        request: Hedgerow_Discovery_V1_DiscoverRequest, context: ServerContext
    ) async throws -> Hedgerow_Discovery_V1_DiscoverResponse {
        let (fails, answer) = registry.state.withLock { state in
            state.discoveries += 1
            return (state.discoveryFails, state.answer)
        }
        if fails {
            throw HedgerowError(.notFound, .membershipNotDeployed, "the group of bme680-1 was not deployed")
        }
        return answer
    }
}
