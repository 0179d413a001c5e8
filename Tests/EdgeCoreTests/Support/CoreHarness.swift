import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Identity
import Logging
import PKI
import RPCSupport
import ServiceLifecycle
import TestSupport
import X509

@testable import EdgeCore

/// What the tests of the core share: one fake cloud, one state directory, one core called pi-1.
struct CoreHarness: Sendable {
    let cloud: FakeCloud
    let directory: String
    let core: Principal
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    var statePath: String { directory + "/state" }
    var tokenPath: String { directory + "/token.json" }

    init(directory: String) throws {
        self.cloud = try FakeCloud()
        self.directory = directory
        self.core = try Principal(role: .core, name: "pi-1")
    }

    /// Runs a test with an empty directory.
    static func with(_ body: (CoreHarness) async throws -> Void) async throws {
        try await withTemporaryDirectory { try await body(CoreHarness(directory: $0)) }
    }

    var configuration: CoreConfiguration {
        var configuration = CoreConfiguration(
            statePath: statePath, tokenPath: tokenPath, listenHost: "127.0.0.1", listenPort: 0)
        configuration.timing.tick = .milliseconds(30)
        configuration.timing.reconnect = (.milliseconds(250), .milliseconds(300))
        configuration.timing.superseded = .milliseconds(100)
        return configuration
    }

    func writeToken(_ ports: FakeCloud.Ports) throws {
        try cloud.tokenFile(core, ports: ports).write(to: tokenPath)
    }

    /// Makes a core.
    func makeCore(
        configure: (inout CoreConfiguration) -> Void = { _ in },
        now: @escaping @Sendable () -> Date = { Date() }
    ) async throws -> CoreServer {
        var configuration = configuration
        configure(&configuration)
        return try await CoreServer(configuration: configuration, now: now, logger: logger) { _ in
            CoreServer.Telemetry(
                rpcServices: [EchoService()],
                healthServices: [Hedgerow_Telemetry_V1_TelemetryService.descriptor.fullyQualifiedService])
        }
    }

    /// Makes a core, runs it while the body runs, and stops it gracefully.
    func run<Value: Sendable>(
        configure: (inout CoreConfiguration) -> Void = { _ in },
        now: @escaping @Sendable () -> Date = { Date() },
        _ body: (CoreServer) async throws -> Value
    ) async throws -> Value {
        try await run(try await makeCore(configure: configure, now: now), body)
    }

    /// Runs a core while the body runs, and stops it gracefully.
    func run<Value: Sendable>(
        _ core: CoreServer, _ body: (CoreServer) async throws -> Value
    ) async throws -> Value {
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: core, successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: logger))
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            do {
                let value = try await body(core)
                // A gRPC client that is cancelled in the moment of its first attempt to connect may never end: the
                // attempt is let come to its end first.
                try? await eventually(
                    "an attempt to attach",
                    holds: {
                        core.status.snapshot.isAttached || core.status.snapshot.lastError != nil
                    })
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
                return value
            } catch {
                await group.triggerGracefulShutdown()
                throw error
            }
        }
    }

    /// Runs cloud and core, deploys revision 1 with the things, and waits until the core serves.
    func runDeployed<Value: Sendable>(
        things: [String] = ["bme680-1"], configure: (inout CoreConfiguration) -> Void = { _ in },
        _ body: (CoreServer, Int) async throws -> Value
    ) async throws -> Value {
        try await cloud.run { ports in
            try writeToken(ports)
            return try await run(configure: configure) { core in
                try await attachedAndDeployed(core, FakeCloud.revision(1, things: things), id: "d-1")
                return try await body(core, try await core.listeningPort())
            }
        }
    }

    func attachedAndDeployed(
        _ core: CoreServer, _ revision: Hedgerow_Type_V1_GroupRevision, id: String
    ) async throws {
        try await eventually("an attachment") { core.status.snapshot.isAttached }
        cloud.deploy(revision, id: id)
        try await eventually("a report of success") { cloud.reports(id).last?.status == .succeeded }
    }

    /// Connects to the core as a thing does.
    func withThing<Value: Sendable>(
        _ name: String, port: Int, identity: ClientIdentity? = nil, authority: Certificate? = nil,
        _ body: (Hedgerow_Telemetry_V1_TelemetryService.Client<HTTP2ClientTransport.Posix>) async throws ->
            Value
    ) async throws -> Value {
        let thing = try Principal(role: .thing, name: name)
        let verifier = PeerVerifier(
            roots: [authority ?? cloud.groupAuthority], trustDomain: FakeCloud.trustDomain, usage: .server,
            expectedSPIFFEID: core.spiffeID(trustDomain: FakeCloud.trustDomain), now: { Date() })
        let transport = try ClientTransports.make(
            endpoint: NetworkEndpoint(host: "127.0.0.1", port: port),
            serverName: CoreServerName.name(forCore: core.name),
            identity: try identity ?? cloud.clientIdentity(thing).identity, verifier: verifier,
            refusals: PeerRefusals(side: "test", logger: nil))
        return try await withGRPCClient(transport: transport) { client in
            try await body(Hedgerow_Telemetry_V1_TelemetryService.Client(wrapping: client))
        }
    }

    /// One call of a thing: the echo of one request.
    func echo(_ name: String, port: Int, identity: ClientIdentity? = nil) async throws {
        try await withThing(name, port: port, identity: identity) { client in
            try await EchoCall.with(client) { call in try await call.echo() }
        }
    }
}

/// The reason of an error that a call ended with.
func reason(_ error: (any Error)?) -> ErrorReason? {
    (error as? RPCError).flatMap(HedgerowError.init)?.reason
}
