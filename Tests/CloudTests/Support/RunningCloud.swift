import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Identity
import Logging
import PKI
import RPCSupport
import ServiceLifecycle
import SwiftProtobuf
import TestSupport

@testable import Cloud

typealias CloudClient = GRPCClient<HTTP2ClientTransport.Posix>
typealias Registry = Hedgerow_Registry_V1_RegistryService.Client<HTTP2ClientTransport.Posix>
typealias Deployments = Hedgerow_Deployment_V1_DeploymentService.Client<HTTP2ClientTransport.Posix>
typealias Discovery = Hedgerow_Discovery_V1_DiscoveryService.Client<HTTP2ClientTransport.Posix>
typealias Provisioning = Hedgerow_Provisioning_V1_ProvisioningService.Client<HTTP2ClientTransport.Posix>

/// A cloud that runs in this process, on real sockets with real TLS.
struct RunningCloud: Sendable {
    let server: CloudServer
    let state: String
    let time: TestTime
    let ports: (mtls: Int, enrollment: Int)
    /// Begins a graceful shutdown.
    let shutDown: @Sendable () async -> Void

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    static func configuration(_ state: String) -> CloudConfiguration {
        CloudConfiguration(
            stateDirectory: state, listener: .init(host: "127.0.0.1", port: 0),
            enrollmentListener: .init(host: "127.0.0.1", port: 0))
    }

    private var root: String { server.context.authorities.root.certificatePEM }

    /// Calls the cloud with an identity, or on the enrolment listener without one.
    func call<Value: Sendable>(
        as identity: ClientIdentity?, _ body: @Sendable @escaping (CloudClient) async throws -> Value
    ) async throws -> Value {
        let verifier = PeerVerifier(
            roots: try Certificates.parse(pem: root), trustDomain: "hedgerow", usage: .server,
            expectedSPIFFEID: CloudIdentity.spiffeID(trustDomain: "hedgerow"), now: { time.now })
        let transport = try ClientTransports.make(
            endpoint: NetworkEndpoint(
                host: "127.0.0.1", port: identity == nil ? ports.enrollment : ports.mtls),
            serverName: CloudIdentity.serverName, identity: identity, verifier: verifier,
            refusals: PeerRefusals(side: "test", logger: nil))
        return try await withGRPCClient(transport: transport) { try await body($0) }
    }

    /// The first operator's token file.
    func operatorToken() throws -> TokenFile { try TokenFile.read(from: state + "/operator.token") }

    /// Enrols with a token.
    func enroll(_ token: String, key: PrivateKey = .generate()) async throws -> ClientIdentity {
        try await call(as: nil) { client in
            let response = try await Provisioning(wrapping: client).enroll(
                .with {
                    $0.token = token
                    $0.signingRequest = Data(try! key.signingRequest(commonName: "x"))
                })
            return ClientIdentity(chainPEM: response.certificateChain, keyPEM: key.pem)
        }
    }

    /// Enrols the first operator.
    func enrollOperator() async throws -> ClientIdentity { try await enroll(try operatorToken().token) }

    /// Makes a token.
    func token(
        _ admin: ClientIdentity, _ role: Hedgerow_Registry_V1_IdentityRole, _ name: String
    ) async throws -> TokenFile {
        let json = try await call(as: admin) { client in
            try await Registry(wrapping: client).createToken(
                .with {
                    $0.role = role
                    $0.name = name
                }
            ).tokenFile
        }
        return try TokenFile(json: json)
    }

    /// Registers a thing or core and enrols it.
    func register(
        _ admin: ClientIdentity, _ kind: Hedgerow_Registry_V1_ThingKind, _ name: String
    ) async throws -> ClientIdentity {
        _ = try await call(as: admin) { client in
            try await Registry(wrapping: client).createThing(
                .with {
                    $0.name = name
                    $0.kind = kind
                })
        }
        return try await enroll(try await token(admin, kind == .core ? .core : .thing, name).token)
    }

    /// Applies a group definition.
    @discardableResult
    func apply(
        _ admin: ClientIdentity, _ definition: String, dryRun: Bool = false
    ) async throws -> Hedgerow_Registry_V1_ApplyGroupResponse {
        try await call(as: admin) { client in
            try await Registry(wrapping: client).applyGroup(
                .with {
                    $0.definition = definition
                    $0.dryRun = dryRun
                })
        }
    }

    /// Deploys a group's newest revision.
    @discardableResult
    func deploy(
        _ admin: ClientIdentity, _ group: String, revision: UInt64 = 0, requestID: String = ""
    ) async throws -> Hedgerow_Deployment_V1_Deployment {
        try await call(as: admin) { client in
            try await Deployments(wrapping: client).createDeployment(
                .with {
                    $0.group = group
                    $0.revision = revision
                    $0.requestID = requestID
                }
            ).deployment
        }
    }

    /// A deployment as it is now.
    func deployment(_ admin: ClientIdentity, _ id: String) async throws -> Hedgerow_Deployment_V1_Deployment {
        try await call(as: admin) { client in
            try await Deployments(wrapping: client).getDeployment(.with { $0.id = id }).deployment
        }
    }

    /// Asks where a thing finds its cores.
    func discover(_ thing: ClientIdentity, _ name: String = "") async throws
        -> Hedgerow_Discovery_V1_DiscoverResponse
    {
        try await call(as: thing) { client in
            try await Discovery(wrapping: client).discover(.with { $0.thing = name })
        }
    }
}

/// Runs a cloud while the body runs, and shuts it down gracefully.
func withCloud<Value: Sendable>(
    state: String, time: TestTime = TestTime(), rotation: Duration = .seconds(7 * 86_400),
    artifacts: CloudConfiguration.Artifacts = .init(),
    _ body: @Sendable @escaping (RunningCloud) async throws -> Value
) async throws -> Value {
    var configuration = RunningCloud.configuration(state)
    configuration.authorityRotation = rotation
    configuration.artifacts = artifacts
    let server = try await CloudServer(
        configuration: configuration, time: time.source, logger: RunningCloud.logger)
    let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(
            services: [.init(service: server, successTerminationBehavior: .gracefullyShutdownGroup)],
            logger: RunningCloud.logger))
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        // Up means: announced, not only bound.
        let ports = try await eventually("the cloud is up") { server.context.ports.current }
        try await eventually("the token is written") {
            FileManager.default.fileExists(atPath: state + "/ports.json")
        }
        let result: Result<Value, any Error>
        do {
            result = .success(
                try await body(
                    RunningCloud(
                        server: server, state: state, time: time, ports: ports,
                        shutDown: { await group.triggerGracefulShutdown() })))
        } catch {
            result = .failure(error)
        }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
        return try result.get()
    }
}

/// The same in a new state directory.
func withCloud<Value: Sendable>(
    time: TestTime = TestTime(), rotation: Duration = .seconds(7 * 86_400),
    _ body: @Sendable @escaping (RunningCloud) async throws -> Value
) async throws -> Value {
    try await withTemporaryDirectory { path in
        try await withCloud(state: path + "/state", time: time, rotation: rotation, body)
    }
}

/// The error of ours that a call ends with; nil where it ends with none.
func refusal<Value>(_ body: () async throws -> Value) async throws -> HedgerowError? {
    do {
        _ = try await body()
        return nil
    } catch let error as RPCError {
        guard let ours = HedgerowError(error) else { throw error }
        return ours
    }
}
