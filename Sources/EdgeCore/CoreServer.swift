public import FoundationEssentials
import GRDB
import GRPCCore
import HedgerowAPI
import Identity
public import Logging
import Messaging
import PKI
import RPCSupport
public import ServiceLifecycle
import Supervision

/// A whole edge core: its state, its attachment to the cloud, its server for things.
///
/// ```swift
/// let core = try await CoreServer(configuration: configuration, logger: logger)
/// try await ServiceGroup(services: [core], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger).run()
/// ```
///
/// Making it takes the state directory's lock, opens the database and, on the first start, enrols; ``run()`` does
/// the rest. After the first start nothing of it needs the cloud: the core serves with the last deployment and the
/// last certificate, and keeps trying to attach.
public final class CoreServer: Service {
    /// Name of the core.
    public var name: String { parts.name }
    /// The revision that it runs.
    public let revision: ActiveRevision
    /// How it and the cloud stand.
    public let status: AttachmentStatus

    let parts: CoreParts
    let certificate: ServerCertificate
    /// A round trip through what takes the messages of things.
    let commitNothing: @Sendable () async throws -> Void
    /// Its telemetry, for metrics; nil where it has none.
    let monitor: StreamMonitor?
    /// Runs the programs of components; nil where it has none.
    let programs: Programs?
    private let state: StateDirectory
    private let lock: StateLock
    private let services: [any Service]
    let port: Announced<Int>

    /// Prepares a core.
    ///
    /// While the cloud cannot be reached, the first start waits in here for ever; cancel the task to give up.
    ///
    /// - Parameters:
    ///   - configuration: everything that it must be told.
    ///   - now: the system's clock.
    ///   - logger: for everything that it logs.
    /// - Throws: ``StateError``, ``InvalidAddress``, ``InvalidPlatformKey``, `IdentityFileError`, `EnrollmentError`.
    public convenience init(
        configuration: CoreConfiguration, now: @escaping @Sendable () -> Date = { Date() }, logger: Logger
    ) async throws {
        try await self.init(
            configuration: configuration, now: now, logger: logger, telemetry: Self.makeTelemetry)
    }

    /// The same, telling `onUnreachable` whenever the cloud could not be reached for the enrolment.
    init(
        configuration: CoreConfiguration, now: @escaping @Sendable () -> Date = { Date() }, logger: Logger,
        onUnreachable: @Sendable (EnrollmentError) -> Void = { _ in },
        telemetry: (CoreParts) async throws -> Telemetry
    ) async throws {
        let addresses = try ReportedAddresses(
            listenHost: configuration.listenHost, advertise: configuration.advertise)
        let state = StateDirectory(path: configuration.statePath)
        let lock = try await BlockingIO.run {
            try state.create()
            return try StateLock(directory: state.path)
        }
        let clock = try await BlockingIO.run {
            // It says where the running core listens: this one does not listen yet.
            try? DurableFile.remove(state.portsPath)
            return ClockFloor(path: state.clockPath, system: now)
        }
        let (database, stored) = try await Self.open(
            state, configuration: configuration, clock: clock, onUnreachable: onUnreachable, logger: logger)
        var logger = logger
        logger[metadataKey: "core.name"] = "\(stored.principal.name)"

        let identity = try CurrentIdentity(stored, directory: state.identity)
        let revision = try await ActiveRevision(database: database, now: { clock.now() }, logger: logger)
        let cpuTemperature = CPUTemperature(
            path: configuration.cpuTemperaturePath,
            isWanted: { revision.running?.needsCPUTemperature ?? false }, logger: logger)
        if revision.running?.needsCPUTemperature == true { await cpuTemperature.prepare() }
        let activity = ComponentActivity(logger: logger)
        let platform = try configuration.platform()
        let revoked = try await RevokedCertificates(database: database)
        let certificate = try await ServerCertificate(
            path: state.serverCertificatePath, identity: identity, logger: logger)
        let dialer = CloudDialer(identity: identity, now: { clock.now() }, logger: logger)
        let activeCalls = ActiveCalls(maximumPerPrincipal: configuration.limits.callsPerThing)
        let reconnect = configuration.timing.reconnect
        let artifacts = ArtifactStore(
            directory: state.artifactsPath, maximum: configuration.limits.artifactBytes,
            source: CloudArtifactSource(dialer: dialer),
            backoff: Backoff(initial: reconnect.first, maximum: min(reconnect.longest, .seconds(30))),
            logger: logger)
        let parts = CoreParts(
            configuration: configuration, principal: stored.principal, database: database, revision: revision,
            dialer: dialer, identity: identity, activeCalls: activeCalls, clock: clock,
            health: HealthRegistry(), artifacts: artifacts, cpuTemperature: cpuTemperature,
            activity: activity,
            logger: logger)
        let certificates = ServedCertificates(activeCalls: activeCalls)
        let telemetry = try await telemetry(parts)
        let status = AttachmentStatus()
        let deployments = DeploymentRunner(
            core: stored.principal.name, database: database, revision: revision,
            commit: telemetry.commit ?? DeploymentCommit(database), dialer: dialer, status: status,
            activeCalls: activeCalls, cpuTemperature: cpuTemperature,
            watches: [ActivityWatch(activity: activity, clock: .continuous)],
            programs: telemetry.programs, timing: configuration.timing, platform: platform,
            artifacts: artifacts, logger: logger)
        let port = Announced<Int>()
        let agent = AttachAgent(
            parts: AttachAgent.Parts(
                dialer: dialer, revision: revision, revoked: revoked, certificate: certificate,
                addresses: addresses,
                configuredPort: configuration.listenPort, listeningPort: port, certificates: certificates,
                clock: clock, activity: activity, programs: telemetry.programs,
                deployments: deployments.board,
                monitor: telemetry.monitor, commands: telemetry.commands, systemTime: now, status: status,
                timing: configuration.timing, platform: platform, version: CoreVersion.current,
                logger: logger))
        let rpcServices: [any RegistrableRPCService] =
            [HealthService(registry: parts.health)] + telemetry.rpcServices
        let server = ThingServer(
            parts: ThingServer.Parts(
                core: stored.principal.name, host: addresses.bindHost, port: configuration.listenPort,
                portsPath: state.portsPath, certificate: certificate,
                verifier: PeerVerifier(
                    roots: identity.roots, trustDomain: identity.trustDomain, usage: .client,
                    now: { clock.now() }, isRevoked: { revoked.contains($0) }),
                interceptors: Self.interceptors(parts, revoked: revoked, certificates: certificates),
                services: rpcServices + [ReflectionService(describing: rpcServices)],
                health: parts.health, healthServices: telemetry.healthServices,
                limits: configuration.limits.connections(logger: logger)),
            listeningPort: port, logger: logger)

        self.parts = parts
        self.certificate = certificate
        self.commitNothing = telemetry.commitNothing
        self.monitor = telemetry.monitor
        self.programs = telemetry.programs
        self.revision = revision
        self.status = status
        self.state = state
        self.lock = lock
        self.port = port
        // Started in this order and stopped in the reverse one: things are told to go before what serves them ends.
        self.services =
            [
                ClockKeeper(clock: clock, logger: logger), cpuTemperature,
                IdentityRenewal(dialer: dialer, now: { clock.now() }, logger: logger),
                agent,
            ] + telemetry.services + (telemetry.programs.map { [$0] } ?? []) + [deployments, server]
    }

    /// Runs the core until it is told to stop, gracefully or by cancellation.
    ///
    /// - Throws: what makes serving impossible, such as a port that is in use.
    public func run() async throws {
        // Only when nothing writes any more may another process have the directory.
        defer { lock.release() }
        var configuration = ServiceGroupConfiguration(
            services: services.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) },
            logger: parts.logger)
        configuration.maximumGracefulShutdownDuration = parts.configuration.timing.shutdown * 2
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await ServiceGroup(configuration: configuration).run())
        } catch {
            outcome = .failure(error)
        }
        let database = parts.database
        do {
            try await BlockingIO.run { try CoreDatabase.close(database) }
        } catch {
            parts.logger.warning("database not closed", metadata: ["error.message": "\(error)"])
        }
        do {
            try outcome.get()
        } catch {
            throw CoreDatabase.ending(error, path: state.databasePath)
        }
    }

    /// The port that the core listens at; waits until it does, which needs a server certificate.
    ///
    /// - Throws: `CancellationError`.
    public func listeningPort() async throws -> Int { try await port.value() }

    // MARK: State

    /// Opens the database and the identity, or makes them on the first start.
    private static func open(
        _ state: StateDirectory, configuration: CoreConfiguration, clock: ClockFloor,
        onUnreachable: @Sendable (EnrollmentError) -> Void, logger: Logger
    ) async throws -> (DatabasePool, StoredIdentity) {
        let existing = try await BlockingIO.run { try state.identity.load() }
        // The database is made before the core enrols. An identity without it means that what the core ran and
        // what it still owed the cloud is gone: that is no first start (lesson 1).
        try await BlockingIO.run { try CoreDatabase.finishRecovery(path: state.databasePath) }
        if existing != nil, !(try await BlockingIO.run { state.hasDatabase }) {
            throw StateError(
                .incomplete, path: state.databasePath,
                "\(state.path) holds an identity, but its database core.sqlite is missing or empty; restore the state "
                    + "directory from a backup, or move it away and enrol this core anew with a new token")
        }
        let database = try await BlockingIO.run {
            try CoreDatabase.open(path: state.databasePath, logger: logger)
        }
        let identity: StoredIdentity
        if let existing {
            identity = existing
        } else {
            let owner = try await CoreDatabase.owner(database)
            identity = try await enroll(
                state, owner: owner, configuration: configuration, clock: clock, onUnreachable: onUnreachable,
                logger: logger)
        }
        guard identity.principal.role == .core else {
            throw StateError(
                .foreign, path: state.identityPath,
                "\(state.identityPath) is the identity of \(identity.principal), which is no core; give the core a "
                    + "directory of its own with --state")
        }
        try await CoreDatabase.claim(
            database, core: identity.principal.name, trustDomain: identity.trustDomain)
        return (database, identity)
    }

    private static func enroll(
        _ state: StateDirectory, owner: String?, configuration: CoreConfiguration, clock: ClockFloor,
        onUnreachable: @Sendable (EnrollmentError) -> Void, logger: Logger
    ) async throws -> StoredIdentity {
        guard let path = configuration.tokenPath else {
            throw StateError(
                .notEnrolled, path: state.identityPath,
                "\(state.path) holds no identity; make a token with `hedgerow things create` and start the "
                    + "core with --token FILE")
        }
        let tokenFile = try await BlockingIO.run { try TokenFile.read(from: path) }
        guard tokenFile.role == .core else {
            throw StateError(
                .foreign, path: path,
                "the token file \(path) is for the \(tokenFile.role.rawValue) \"\(tokenFile.name)\", which is no core; "
                    + "make one for a core with `hedgerow things create`")
        }
        if let owner, owner != tokenFile.name {
            throw StateError(
                .foreign, path: state.databasePath,
                "\(state.databasePath) belongs to the core \"\(owner)\", the token file to \"\(tokenFile.name)\"; give "
                    + "each core a state directory of its own")
        }
        return try await Enrollment.enrollWhenReachable(
            tokenFile: tokenFile, directory: state.identity, now: { clock.now() },
            backoff: Backoff(
                initial: configuration.timing.reconnect.first, maximum: configuration.timing.reconnect.longest
            ),
            onUnreachable: onUnreachable, logger: logger)
    }

    private static func interceptors(
        _ parts: CoreParts, revoked: RevokedCertificates, certificates: ServedCertificates
    ) -> [ConditionalInterceptor<any ServerInterceptor>] {
        let authentication = AuthenticationInterceptor(
            table: .core, trustDomain: parts.identity.trustDomain, activeCalls: parts.activeCalls,
            logger: parts.logger, now: { [clock = parts.clock] in clock.now() },
            isRevoked: { _, serialNumber in revoked.contains(serialNumber) })
        let membership = MembershipInterceptor(
            revision: parts.revision, core: parts.name, activeCalls: parts.activeCalls,
            maximumThings: parts.configuration.limits.connectedThings)
        // Whoever may connect may ask whether the core is well and what it speaks, deployed or not.
        let open = Set([Grpc_Health_V1_Health.descriptor] + ReflectionService.descriptors)
        // First of all, so that what is logged about a refused or failed call names its trace.
        return TracingServerInterceptor.current().map { .apply($0, to: .all) } + [
            .apply(authentication, to: .all),
            .apply(ServedCertificatesInterceptor(certificates, revoked: revoked), to: .all),
            .apply(membership, to: .allExcluding(services: open, methods: [])),
        ]
    }
}
