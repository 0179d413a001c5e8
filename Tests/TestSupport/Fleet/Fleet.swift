public import Cloud
public import EdgeCore
import Foundation
public import GRPCCore
public import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
public import Identity
import Logging
import Messaging
public import PKI
public import RPCSupport
import SwiftProtobuf
import Synchronization
public import ThingClient
public import X509

/// A whole fleet in one process: a cloud, its cores, its things; real TLS on loopback sockets, real databases in
/// a temporary directory.
///
/// Made by ``withFleet(cores:things:groups:configure:_:)``.
public final class Fleet: Sendable {
    /// A gRPC client of ours.
    public typealias Client = GRPCClient<HTTP2ClientTransport.Posix>

    /// Whom a client connects to.
    public enum Server: Hashable, Sendable {
        /// The cloud's mutually authenticated listener.
        case cloud
        /// A core, by its name.
        case core(String)
    }

    private struct State {
        var ports: (mtls: Int, enrollment: Int)?
        var root = ""
        var cloud: (server: CloudServer, service: RunningService)?
        var cores: [String: (server: CoreServer, service: RunningService)] = [:]
        var corePorts: [String: Int] = [:]
        var identities: [Principal: ClientIdentity] = [:]
        var configureCloud: @Sendable (inout CloudConfiguration) -> Void = { _ in }
    }

    /// Directory of everything.
    public let path: String
    /// What the cloud logged.
    public let cloudLog = CapturedLog()
    /// What the cores logged.
    public let coreLog = CapturedLog()
    /// The trust domain.
    public let trustDomain = "hedgerow"

    private let state = Mutex(State())
    private let jobs: AsyncStream<@Sendable () async -> Void>.Continuation

    init(
        path: String, jobs: AsyncStream<@Sendable () async -> Void>.Continuation,
        configureCloud: @escaping @Sendable (inout CloudConfiguration) -> Void
    ) {
        self.path = path
        self.jobs = jobs
        state.withLock { $0.configureCloud = configureCloud }
    }

    // MARK: The cloud

    /// Directory of the cloud.
    public var cloudPath: String { path + "/cloud" }

    /// The cloud that runs.
    public var cloud: CloudServer {
        get throws {
            guard let cloud = state.withLock({ $0.cloud?.server }) else {
                throw Missing("the cloud does not run")
            }
            return cloud
        }
    }

    /// Starts the cloud, from its second start on at the ports of its first.
    ///
    /// - Parameter change: changes its configuration from now on.
    public func startCloud(
        configure change: (@Sendable (inout CloudConfiguration) -> Void)? = nil
    ) async throws {
        let (ports, configure) = state.withLock { state in
            if let change { state.configureCloud = change }
            return (state.ports, state.configureCloud)
        }
        var configuration = CloudConfiguration(
            stateDirectory: cloudPath, listener: .init(host: "127.0.0.1", port: ports?.mtls ?? 0),
            enrollmentListener: .init(host: "127.0.0.1", port: ports?.enrollment ?? 0))
        configure(&configuration)
        let server = try await CloudServer(configuration: configuration, logger: cloudLog.logger("cloud"))
        let service = RunningService(server, logger: cloudLog.logger("cloud"))
        start(service)
        let listening = try await server.listeningPorts()
        let portsFile = cloudPath + "/ports.json"
        // Up means: everything that it leaves on the disk is there.
        try await eventually("the cloud is up") {
            if service.hasEnded { throw Missing("the cloud ended: \(self.cloudLog.text.suffix(3))") }
            return FileManager.default.fileExists(atPath: portsFile)
                && FileManager.default.fileExists(atPath: self.cloudPath + "/operator.token")
        }
        state.withLock {
            $0.ports = listening
            $0.cloud = (server, service)
        }
    }

    /// Stops the cloud gracefully; returns how long that took.
    @discardableResult
    public func stopCloud() async throws -> Duration {
        guard let service = state.withLock({ $0.cloud?.service }) else {
            throw Missing("the cloud does not run")
        }
        let time = try await service.stop()
        state.withLock { $0.cloud = nil }
        return time
    }

    // MARK: Cores

    /// Directory of a core.
    public func corePath(_ name: String) -> String { path + "/core-\(name)" }

    /// A core that runs.
    public func core(_ name: String) throws -> CoreServer {
        guard let core = state.withLock({ $0.cores[name]?.server }) else {
            throw Missing("core \(name) does not run")
        }
        return core
    }

    /// The port that a core serves things at.
    public func port(ofCore name: String) throws -> Int {
        guard let port = state.withLock({ $0.corePorts[name] }) else {
            throw Missing("core \(name) has no port")
        }
        return port
    }

    /// Starts a core, from its second start on at the port of its first, and waits until it serves things.
    ///
    /// - Parameter configure: changes its configuration for this start.
    public func startCore(
        _ name: String, waiting: Bool = true, configure: (inout CoreConfiguration) -> Void = { _ in }
    ) async throws {
        let isEnrolled = FileManager.default.fileExists(atPath: corePath(name) + "/core.sqlite")
        let token = isEnrolled ? nil : try await tokenFile(.core, name)
        var configuration = CoreConfiguration(
            statePath: corePath(name), tokenPath: token, listenHost: "127.0.0.1",
            listenPort: state.withLock { $0.corePorts[name] } ?? 0)
        configuration.timing.reconnect = (.milliseconds(50), .milliseconds(500))
        configuration.timing.tick = .milliseconds(200)
        configure(&configuration)
        let server = try await CoreServer(configuration: configuration, logger: coreLog.logger("core"))
        let service = RunningService(server, logger: coreLog.logger("core"))
        start(service)
        state.withLock { $0.cores[name] = (server, service) }
        if waiting { try await serving(core: name) }
    }

    /// Waits until a core serves things.
    public func serving(core name: String) async throws {
        let port = try await core(name).listeningPort()
        state.withLock { $0.corePorts[name] = port }
    }

    /// Stops a core gracefully; returns how long that took.
    @discardableResult
    public func stopCore(_ name: String) async throws -> Duration {
        guard let service = state.withLock({ $0.cores[name]?.service }) else { throw Missing("core \(name)") }
        let time = try await service.stop()
        state.withLock { $0.cores[name] = nil }
        return time
    }

    // MARK: Identities

    /// Makes an identity known by a name of the test's choice, such as a forged one.
    public func adopt(_ identity: ClientIdentity, as principal: Principal) {
        state.withLock { $0.identities[principal] = identity }
    }

    /// The identity of the first operator.
    public func operatorIdentity() async throws -> ClientIdentity {
        let token = try TokenFile.read(from: cloudPath + "/operator.token")
        return try await identity(token.principal, token: token)
    }

    /// The identity of a thing or core, enrolled by the harness with a token of its own.
    public func identity(_ role: Role, _ name: String) async throws -> ClientIdentity {
        let principal = try Principal(role: role, name: name)
        if let known = state.withLock({ $0.identities[principal] }) { return known }
        return try await identity(principal, token: try await token(role, name))
    }

    private func identity(_ principal: Principal, token: TokenFile) async throws -> ClientIdentity {
        if let known = state.withLock({ $0.identities[principal] }) { return known }
        let key = PrivateKey.generate()
        let request = Data(try key.signingRequest(commonName: "x"))
        guard let port = state.withLock({ $0.ports?.enrollment }) else {
            throw Missing("the cloud was never up")
        }
        let response = try await connect(
            NetworkEndpoint(host: "127.0.0.1", port: port), serverName: token.cloudServerName, as: nil,
            roots: Certificates.parse(pem: token.rootCertificate),
            expecting: CloudIdentity.spiffeID(trustDomain: trustDomain)
        ) { client in
            try await Hedgerow_Provisioning_V1_ProvisioningService.Client(wrapping: client).enroll(
                .with {
                    $0.token = token.token
                    $0.signingRequest = request
                })
        }
        let identity = ClientIdentity(chainPEM: response.certificateChain, keyPEM: key.pem)
        state.withLock {
            $0.identities[principal] = identity
            $0.root = token.rootCertificate
        }
        return identity
    }

    /// A new token.
    public func token(_ role: Role, _ name: String) async throws -> TokenFile {
        let wireRole: Hedgerow_Registry_V1_IdentityRole =
            switch role {
            case .thing: .thing
            case .core: .core
            case .operator: .operator
            case .app: .app
            }
        let json = try await operate { client in
            try await Hedgerow_Registry_V1_RegistryService.Client(wrapping: client).createToken(
                .with {
                    $0.role = wireRole
                    $0.name = name
                }
            ).tokenFile
        }
        return try TokenFile(json: json)
    }

    /// The path of a file with a new token.
    public func tokenFile(_ role: Role, _ name: String) async throws -> String {
        let file = path + "/\(role.rawValue)-\(name)-\(UInt32.random(in: .min ... .max)).token"
        try await token(role, name).write(to: file)
        return file
    }

    // MARK: Connections

    /// Connects to a server, runs the body, and disconnects.
    ///
    /// - Parameters:
    ///   - roots: authorities to trust in place of the right ones.
    ///   - refusals: notes where the client refused the server.
    public func connect<Value: Sendable>(
        to server: Server, as identity: ClientIdentity, roots: [Certificate]? = nil,
        refusals: PeerRefusals = PeerRefusals(side: "test", logger: nil),
        _ body: (Client) async throws -> Value
    ) async throws -> Value {
        switch server {
        case .cloud:
            let (root, port) = state.withLock { ($0.root, $0.ports?.mtls ?? 0) }
            return try await connect(
                NetworkEndpoint(host: "127.0.0.1", port: port), serverName: CloudIdentity.serverName,
                as: identity,
                roots: roots ?? Certificates.parse(pem: root),
                expecting: CloudIdentity.spiffeID(trustDomain: trustDomain), refusals: refusals, body)
        case .core(let name):
            let trusted: [Certificate]
            if let roots { trusted = roots } else { trusted = try await authorities(ofCore: name) }
            return try await connect(
                NetworkEndpoint(host: "127.0.0.1", port: try port(ofCore: name)),
                serverName: CoreServerName.name(forCore: name), as: identity, roots: trusted,
                expecting: try Principal(role: .core, name: name).spiffeID(trustDomain: trustDomain),
                refusals: refusals, body)
        }
    }

    private func connect<Value: Sendable>(
        _ endpoint: NetworkEndpoint, serverName: String, as identity: ClientIdentity?, roots: [Certificate],
        expecting spiffeID: String, refusals: PeerRefusals = PeerRefusals(side: "test", logger: nil),
        _ body: (Client) async throws -> Value
    ) async throws -> Value {
        let transport = try ClientTransports.make(
            endpoint: endpoint, serverName: serverName, identity: identity,
            verifier: PeerVerifier(
                roots: roots, trustDomain: trustDomain, usage: .server, expectedSPIFFEID: spiffeID,
                now: { Date() }),
            refusals: refusals)
        return try await withGRPCClient(transport: transport) { try await body($0) }
    }

    /// Connects to the cloud as the operator.
    public func operate<Value: Sendable>(_ body: (Client) async throws -> Value) async throws -> Value {
        try await connect(to: .cloud, as: try await operatorIdentity(), body)
    }

    /// The authorities of the group that a core serves, as discovery hands them out.
    public func authorities(ofCore name: String) async throws -> [Certificate] {
        let discovered = try await operate { client in
            let registry = Hedgerow_Registry_V1_RegistryService.Client(wrapping: client)
            let groups = try await registry.listGroups(.init()).groups
            guard let group = groups.first(where: { $0.newestRevision.cores.contains(name) }),
                let thing = group.newestRevision.things.first
            else { throw Missing("no group with core \(name) and a thing") }
            return try await Hedgerow_Discovery_V1_DiscoveryService.Client(wrapping: client)
                .discover(.with { $0.thing = thing })
        }
        return try discovered.groups.flatMap(\.caCertificates).flatMap { try Certificates.parse(pem: $0) }
    }

    // MARK: Things

    /// How a thing of the fleet is configured: with a token, quick to reconnect.
    public func thingConfiguration(_ name: String) async throws -> ThingConfiguration {
        let directory = path + "/thing-\(name)"
        let isEnrolled = FileManager.default.fileExists(atPath: directory + "/identity.json")
        var configuration = ThingConfiguration(
            token: isEnrolled ? nil : try await tokenFile(.thing, name), state: directory)
        configuration.backoff = Backoff(initial: .milliseconds(50), maximum: .milliseconds(500))
        return configuration
    }

    /// Runs a thing while the body runs, then flushes.
    public func withThing<Value: Sendable>(
        _ name: String, configure: (inout ThingConfiguration) -> Void = { _ in },
        _ body: (ThingClient.Thing) async throws -> Value
    ) async throws -> Value {
        var configuration = try await thingConfiguration(name)
        configure(&configuration)
        return try await ThingClient.withThing(configuration, body: body)
    }

    // MARK: Parts

    /// Something that the test assumed is not so.
    public struct Missing: Error, CustomStringConvertible {
        /// What.
        public let description: String
        init(_ description: String) { self.description = description }
    }

    private func start(_ service: RunningService) { jobs.yield { await service.run() } }
}

/// Runs a fleet while the body runs: a cloud, registered things and cores, the group applied, deployed and served.
///
/// - Parameters:
///   - cores: names of cores to register and start.
///   - things: names of things to register.
///   - groups: definitions of groups to apply and deploy.
///   - configure: changes the cloud's configuration.
public func withFleet<Value: Sendable>(
    cores: [String] = ["core-1"], things: [String] = ["thing-1"], groups: [String] = [Fleet.simpleGroup],
    configure: @escaping @Sendable (inout CloudConfiguration) -> Void = { _ in },
    _ body: (Fleet) async throws -> Value
) async throws -> Value {
    try await FleetGate.shared.pass {
        try await withTemporaryDirectory { path in
            let (jobs, continuation) = AsyncStream.makeStream(of: (@Sendable () async -> Void).self)
            let fleet = Fleet(path: path, jobs: continuation, configureCloud: configure)
            return try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    await withDiscardingTaskGroup { group in
                        for await job in jobs { group.addTask(operation: job) }
                    }
                }
                // Whatever still runs is cut off at the end.
                defer {
                    continuation.finish()
                    tasks.cancelAll()
                }
                try await fleet.startCloud()
                try await fleet.register(cores: cores, things: things)
                // A core gets its server certificate, and so begins to serve, with its first deployment.
                for group in groups { try await fleet.deploy(group, waiting: false) }
                try await withThrowingTaskGroup(of: Void.self) { starting in
                    for core in cores {
                        starting.addTask { try await fleet.startCore(core, waiting: !groups.isEmpty) }
                    }
                    try await starting.waitForAll()
                }
                for group in groups { try await fleet.deploy(group) }
                return try await body(fleet)
            }
        }
    }
}
