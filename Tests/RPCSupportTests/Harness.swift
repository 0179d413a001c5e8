import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Identity
import InMemoryLogging
import Logging
import PKI
import RPCSupport
import Synchronization
import TestSupport
import Testing

typealias Health = Grpc_Health_V1_Health
typealias Telemetry = Hedgerow_Telemetry_V1_TelemetryService
typealias Deployment = Hedgerow_Deployment_V1_DeploymentService

/// An error of the kind that nobody expects.
struct Unexpected: Error { let secret = "do not tell" }

/// A telemetry service whose methods are whatever a test wants.
struct FakeTelemetry: Telemetry.SimpleServiceProtocol {
    var onSubscribe:
        @Sendable (ServerContext, RPCWriter<Hedgerow_Telemetry_V1_SubscribeResponse>) async throws -> Void =
            { _, _ in }
    var onQuery: @Sendable (ServerContext) async throws -> Void = { _ in }

    /// Answers each request with how many there were.
    func publish(
        request: RPCAsyncSequence<Hedgerow_Telemetry_V1_PublishRequest, any Error>,
        response: RPCWriter<Hedgerow_Telemetry_V1_PublishResponse>, context: ServerContext
    ) async throws {
        var count: UInt64 = 0
        for try await _ in request {
            count += 1
            var answer = Hedgerow_Telemetry_V1_PublishResponse()
            answer.acknowledgedSequence = count
            try await response.write(answer)
        }
    }

    func subscribe(
        request: RPCAsyncSequence<Hedgerow_Telemetry_V1_SubscribeRequest, any Error>,
        response: RPCWriter<Hedgerow_Telemetry_V1_SubscribeResponse>, context: ServerContext
    ) async throws {
        try await onSubscribe(context, response)
    }

    func query(
        request: Hedgerow_Telemetry_V1_QueryRequest, context: ServerContext
    ) async throws -> Hedgerow_Telemetry_V1_QueryResponse {
        try await onQuery(context)
        return Hedgerow_Telemetry_V1_QueryResponse()
    }

    func getLedger(
        request: Hedgerow_Telemetry_V1_GetLedgerRequest, context: ServerContext
    ) async throws -> Hedgerow_Telemetry_V1_GetLedgerResponse {
        let peer = try AuthorizationTable.cloud.authorize(context, for: .thing(request.thing))
        throw HedgerowError(
            .notFound, .notFound, "nothing of \(peer.principal)", details: ["thing": request.thing],
            retryAfter: .seconds(3), violations: [.init(field: "thing", description: "is unknown")])
    }
}

/// A server on a port of loopback, and what it noted.
struct TestServer: Sendable {
    let port: Int
    let calls: ActiveCalls
    let refusals: PeerRefusals
    let certificate: ReloadableCertificate
    let log: InMemoryLogHandler
    let health: HealthRegistry
    let shutDown: @Sendable () -> Void
}

/// How a test's server is made.
struct ServerSetup {
    var pki: TestPKI
    var table = AuthorizationTable.cloud
    var identity: ClientIdentity?
    var host = "127.0.0.1"
    var telemetry = FakeTelemetry()
    var maximumCalls = ActiveCalls.defaultMaximumPerPrincipal
    var verifier: PeerVerifier?
    var limits = ConnectionLimits()
    var isRevoked: @Sendable (Principal, String) -> Bool = { _, _ in false }
}

/// Runs a server with real TLS on a real socket while `body` runs.
func withServer<Result: Sendable>(
    _ setup: ServerSetup, _ body: @Sendable (TestServer) async throws -> Result
) async throws -> Result {
    let log = InMemoryLogHandler()
    let logger = Logger(label: "test", factory: { _ in log })
    let certificate = try ReloadableCertificate(setup.identity ?? setup.pki.cloudServer())
    let refusals = PeerRefusals(side: "test listener", logger: logger)
    let transport =
        setup.table.servesUnauthenticated
        ? try ServerTransports.serverTLS(host: setup.host, port: 0, identity: certificate)
        : try ServerTransports.mutualTLS(
            host: setup.host, port: 0, identity: certificate,
            verifier: setup.verifier ?? setup.pki.clientVerifier(),
            refusals: refusals, limits: setup.limits)
    let calls = ActiveCalls(maximumPerPrincipal: setup.maximumCalls)
    let health = HealthRegistry()
    let services: [any RegistrableRPCService] = [HealthService(registry: health), setup.telemetry]
    let server = GRPCServer(
        transport: transport, services: services + [ReflectionService(describing: services)],
        interceptors: [
            AuthenticationInterceptor(
                table: setup.table, trustDomain: setup.pki.trustDomain, activeCalls: calls, logger: logger,
                isRevoked: setup.isRevoked)
        ])
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await GRPCServerService(server).run() }
        let address = try await transport.listeningAddress
        let port = try #require(address.ipv4?.port ?? address.ipv6?.port)
        let result = try await body(
            TestServer(
                port: port, calls: calls, refusals: refusals, certificate: certificate, log: log,
                health: health,
                shutDown: { server.beginGracefulShutdown() }))
        server.beginGracefulShutdown()
        try await group.waitForAll()
        return result
    }
}

/// Runs a client of the cloud's server while `body` runs.
func withClient<Result: Sendable>(
    _ pki: TestPKI, _ identity: ClientIdentity?, port: Int, host: String = "127.0.0.1",
    verifier: PeerVerifier? = nil,
    serverName: String = CloudIdentity.serverName,
    refusals: PeerRefusals = PeerRefusals(side: "client", logger: nil),
    _ body: @Sendable (GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Result
) async throws -> Result {
    let transport = try ClientTransports.make(
        endpoint: NetworkEndpoint(host: host, port: port), serverName: serverName, identity: identity,
        verifier: verifier ?? pki.cloudVerifier(), refusals: refusals)
    let client = GRPCClient(transport: transport)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await GRPCClientService(client).run() }
        let result: Result
        do {
            result = try await body(client)
        } catch {
            group.cancelAll()
            throw error
        }
        client.beginGracefulShutdown()
        try await group.waitForAll()
        return result
    }
}

/// A minute at most for a call: only reached where a test fails.
var soon: CallOptions {
    var options = CallOptions.defaults
    options.timeout = .seconds(60)
    return options
}

/// What a call throws, as `RPCError`.
func failure(_ call: () async throws -> Void) async -> RPCError? {
    do {
        try await call()
        return nil
    } catch {
        return error as? RPCError
    }
}

/// The reason of an error of ours.
func reason(_ error: RPCError?) -> ErrorReason? {
    error.flatMap(HedgerowError.init)?.reason
}

/// Waits until a condition holds, for a minute at most.
func eventually(_ condition: () -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + .seconds(60)
    while !condition() {
        if ContinuousClock.now > deadline { return false }
        try await Task.sleep(for: .milliseconds(5))
    }
    return true
}

extension GRPCClient<HTTP2ClientTransport.Posix> {
    func checkHealth() async throws {
        _ = try await Health.Client(wrapping: self).check(.init(), options: soon)
    }
}
