import FoundationEssentials
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Identity
public import Logging
import PKI
import RPCSupport
public import ServiceLifecycle
import StreamStore

/// The whole cloud: registry, certificate authorities, discovery, deployments and telemetry, on two listeners.
///
/// One asks for client certificates and serves everybody who has one; the other asks for none and serves
/// enrolment only.
///
/// ```swift
/// let cloud = try await CloudServer(configuration: CloudConfiguration(stateDirectory: "state/cloud"), logger: logger)
/// try await ServiceGroup(services: [cloud], gracefulShutdownSignals: [.sigterm], logger: logger).run()
/// ```
public final class CloudServer: Service {
    /// The parts, for the services' own tests.
    let context: CloudContext
    private let state: StateDirectory
    private let identity: CloudServerIdentity
    private let health: HealthRegistry
    private let server: GRPCServer<HTTP2ServerTransport.Posix>
    private let enrollmentServer: GRPCServer<HTTP2ServerTransport.Posix>
    let telemetry: Telemetry
    /// Announced once both listeners are up and what belongs to that is on the disk.
    let up = Announced<Void>()

    /// Opens the state directory, and makes the certificate authorities at the first start.
    ///
    /// - Throws: ``CloudStartError``; nothing is running then.
    public convenience init(configuration: CloudConfiguration, logger: Logger) async throws {
        try await self.init(configuration: configuration, time: .system, logger: logger)
    }

    /// The same, with a clock of the caller's.
    init(configuration: CloudConfiguration, time: TimeSource, logger: Logger) async throws {
        try configuration.validate()
        let (state, database, addresses) = try await BlockingIO.run {
            let state = try StateDirectory(path: configuration.stateDirectory)
            do {
                let database = try CloudDatabase(
                    path: state.databasePath, parts: Self.telemetryMigrations, logger: logger)
                return (state, database, try AdvertisedAddresses(configuration))
            } catch let error as StorageError {
                throw CloudStartError.databaseUnusable(reason: error.description)
            }
        }
        self.state = state
        context = try await Self.open(
            configuration, time: time, logger: logger, state: state, database: database, addresses: addresses)
        identity = try CloudServerIdentity(
            authorities: context.authorities, trustDomain: context.trustDomain, hosts: addresses.hosts,
            time: time,
            logger: logger)
        health = HealthRegistry()
        telemetry = try await Self.makeTelemetry(context)
        server = try Self.makeServer(context, identity.certificate, health, telemetry)
        enrollmentServer = try Self.makeEnrollmentServer(context, identity.certificate, health)
    }

    private static func open(
        _ configuration: CloudConfiguration, time: TimeSource, logger: Logger, state: StateDirectory,
        database: CloudDatabase, addresses: AdvertisedAddresses
    ) async throws -> CloudContext {
        let credentials = SQLiteCredentialStore(database: database)
        let deployments = SQLiteDeploymentStore(database: database)
        let keys = KeyDirectory(path: state.keysPath)
        let authorities = try await CloudAuthorities.open(
            store: credentials, keys: keys, trustDomain: configuration.trustDomain, now: time.now(),
            logger: logger)
        let trustDomain = try await credentials.fix("trust-domain", to: configuration.trustDomain)
        guard trustDomain == configuration.trustDomain else {
            throw CloudStartError.otherTrustDomain(configured: configuration.trustDomain, stored: trustDomain)
        }
        let groupAuthorities = GroupAuthorities(store: credentials, keys: keys, now: time.now)
        try await groupAuthorities.verifyAll()
        let presence = Presence()
        let artifacts = try await BlockingIO.run {
            try ArtifactVault(
                index: SQLiteArtifactIndex(database: database), directory: state.artifactsPath,
                limits: configuration.artifacts, logger: logger)
        }
        return CloudContext(
            configuration: configuration, time: time, logger: logger, database: database,
            registry: SQLiteRegistryStore(database: database), credentials: credentials,
            deployments: deployments,
            components: SQLiteComponentStore(
                database: database, replacesVersions: configuration.replacesVersions),
            artifacts: artifacts,
            authorities: authorities, groupAuthorities: groupAuthorities,
            revocations: RevocationList(try await credentials.revokedSerialNumbers(at: time.now())),
            directory: FleetDirectory(try await deployments.fleet()), presence: presence,
            hub: AttachHub(presence: presence), componentStatuses: ComponentStatusBoard(),
            streamStatuses: StreamStatusBoard(),
            deploymentChanges: ChangeSignal(),
            activeCalls: ActiveCalls(maximumPerPrincipal: configuration.maximumCallsPerIdentity),
            addresses: addresses, ports: ListeningPorts())
    }

    /// Serves until the task is cancelled or a graceful shutdown is asked for. Can be called once.
    ///
    /// - Throws: what a part throws that cannot go on, such as that a port is in use.
    public func run() async throws {
        // Stopped in reverse: first the health says so, then the servers end, then what they use.
        var services: [any Service] = [
            Housekeeping(context), RolloutDriver(context), AuthorityRotation(context), identity,
        ]
        services += telemetry.background
        services.append(
            ListenerService(
                server: enrollmentServer, listener: context.configuration.enrollmentListener,
                setting: "enrollment.port"))
        services.append(
            ListenerService(server: server, listener: context.configuration.listener, setting: "listen.port"))
        services.append(Announcer(server: self))
        try await ServiceGroup(services: services, logger: context.logger).run()
    }

    /// The ports that are listened on; waits until they are, which needs ``run()``.
    ///
    /// - Throws: where a listener could not be opened.
    public func listeningPorts() async throws -> (mtls: Int, enrollment: Int) {
        let addresses = (try await server.listeningAddress, try await enrollmentServer.listeningAddress)
        guard let mtls = Self.port(addresses.0), let enrollment = Self.port(addresses.1) else {
            throw RuntimeError(code: .transportError, message: "the cloud listens on no TCP port")
        }
        return (mtls, enrollment)
    }

    private static func port(_ address: SocketAddress?) -> Int? { address?.ipv4?.port ?? address?.ipv6?.port }

    // MARK: Listeners

    private static func makeServer(
        _ context: CloudContext, _ certificate: ReloadableCertificate, _ health: HealthRegistry,
        _ telemetry: Telemetry
    ) throws -> GRPCServer<HTTP2ServerTransport.Posix> {
        let revocations = context.revocations
        let verifier = PeerVerifier(
            roots: [context.authorities.root.certificate], trustDomain: context.trustDomain, usage: .client,
            now: context.time.now, isRevoked: revocations.contains)
        let transport = try ServerTransports.mutualTLS(
            host: context.configuration.listener.address, port: context.configuration.listener.port,
            identity: certificate, verifier: verifier,
            refusals: PeerRefusals(side: "cloud listener", logger: context.logger),
            limits: ConnectionLimits(logger: context.logger))
        let services: [any RegistrableRPCService] =
            [
                RegistryService(context), DiscoveryService(context), DeploymentService(context),
                StreamService(context), ArtifactService(context),
                ProvisioningService(context), HealthService(registry: health),
            ] + telemetry.services
        let interceptor = AuthenticationInterceptor(
            table: .cloud, trustDomain: context.trustDomain, activeCalls: context.activeCalls,
            logger: context.logger, now: context.time.now,
            isRevoked: { [directory = context.directory] principal, serial in
                revocations.contains(serial) || !directory.mayAct(principal)
            })
        return GRPCServer(
            transport: transport, services: services + [ReflectionService(describing: services)],
            interceptors: TracingServerInterceptor.current() + [interceptor])
    }

    private static func makeEnrollmentServer(
        _ context: CloudContext, _ certificate: ReloadableCertificate, _ health: HealthRegistry
    ) throws -> GRPCServer<HTTP2ServerTransport.Posix> {
        let transport = try ServerTransports.serverTLS(
            host: context.configuration.enrollmentListener.address,
            port: context.configuration.enrollmentListener.port, identity: certificate)
        let interceptor = AuthenticationInterceptor(
            table: .enrollment, trustDomain: context.trustDomain, activeCalls: context.activeCalls,
            logger: context.logger, now: context.time.now)
        return GRPCServer(
            transport: transport, services: [ProvisioningService(context), HealthService(registry: health)],
            interceptors: TracingServerInterceptor.current() + [interceptor])
    }

    // MARK: Being up

    /// Says that the cloud is up once both listeners are, and that it is not when the shutdown begins.
    private struct Announcer: Service {
        let server: CloudServer

        func run() async throws {
            guard let ports = try? await server.listeningPorts() else {
                // Whoever could not listen says why, and ends everything.
                return try await gracefulShutdown()
            }
            try await server.announce(mtls: ports.mtls, enrollment: ports.enrollment)
            try await gracefulShutdown()
            server.health.shutDown()
        }
    }

    /// Full names of the services whose health is told one by one.
    private static let services = [
        Hedgerow_Registry_V1_RegistryService.descriptor, Hedgerow_Discovery_V1_DiscoveryService.descriptor,
        Hedgerow_Deployment_V1_DeploymentService.descriptor,
        Hedgerow_Provisioning_V1_ProvisioningService.descriptor,
        Hedgerow_Telemetry_V1_TelemetryService.descriptor, Hedgerow_Stream_V1_StreamService.descriptor,
        Hedgerow_Artifact_V1_ArtifactService.descriptor, Hedgerow_Shadow_V1_ShadowService.descriptor,
    ].map(\.fullyQualifiedService)

    /// What is done once the ports are known.
    private func announce(mtls: Int, enrollment: Int) async throws {
        context.ports.set(mtls: mtls, enrollment: enrollment)
        try await writeOperatorToken()
        let ports = try JSONText.encode(["mtls": mtls, "enrollment": enrollment]) + "\n"
        let path = state.portsPath
        let (rootPath, root) = (state.rootPath, context.authorities.root.certificatePEM)
        try await BlockingIO.run {
            try DurableFile.write(Array(root.utf8), to: rootPath, mode: 0o644)
            try DurableFile.write(Array(ports.utf8), to: path, mode: 0o644)
        }
        for service in [""] + Self.services { health.set(.serving, for: service) }
        context.logger.notice(
            "the cloud is up",
            metadata: [
                "listen": "\(context.configuration.listener.host):\(mtls)",
                "enrollment": "\(context.configuration.enrollmentListener.host):\(enrollment)",
                "state": "\(state.path)", "trust.domain": "\(context.trustDomain)",
            ])
        up.announce(())
    }

    /// Name of the first operator.
    private static let firstOperator = "admin"
    private static let operatorTokenKey = "operator-token"

    /// The first start leaves a token for the first operator.
    private func writeOperatorToken() async throws {
        guard try await context.credentials.fixedSetting(Self.operatorTokenKey) == nil else { return }
        let principal = try Principal(role: .operator, name: Self.firstOperator)
        let file = try await context.makeTokenFile(
            for: principal, timeToLive: EnrollmentToken.defaultTimeToLive)
        let path = state.operatorTokenPath
        try await BlockingIO.run { try file.write(to: path) }
        // Last: where the start is cut short before this, the next one writes another token.
        _ = try await context.credentials.fix(Self.operatorTokenKey, to: "written")
        context.logger.notice(
            "wrote the first operator's token; enrol with it (hedgerow init), then it is worthless",
            metadata: ["file": "\(path)", "expires": "\(file.expireTime.formatted(.iso8601))"])
    }
}
