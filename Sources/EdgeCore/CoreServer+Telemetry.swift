import FoundationEssentials
import GRDB
import GRPCCore
import HedgerowAPI
import Messaging
import PKI
import RPCSupport
import ServiceLifecycle
import StreamStore

// The telemetry of the core: what it serves to things, and what runs beside that.

extension CoreServer {
    /// The telemetry's part of a core.
    struct Telemetry: Sendable {
        /// Served to things.
        var rpcServices: [any RegistrableRPCService] = []
        /// Run beside the server; started before it, stopped after it.
        var services: [any Service] = []
        /// How the streams stand.
        var monitor: StreamMonitor?
        /// Carries out what the cloud asks of them.
        var commands: StreamCommandRunner?
        /// Runs the programs of components; nil where there are none.
        var programs: Programs?
        /// Full names of the gRPC services whose health is reported.
        var healthServices: [String] = []
        /// Writes for the deployments; nil for straight to the database.
        var commit: DeploymentCommit?
        /// Makes the round trip that every message of a thing makes, with nothing to store.
        var commitNothing: @Sendable () async throws -> Void = {}
    }

    /// Registers the migrations of the telemetry's tables, which live in the core's one database.
    static func registerTelemetryMigrations(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("telemetry-1") { db in
            try PublisherCursors.createTable(db)
            try SubscriberQueue.createTables(db)
            try DurableStreams.createTables(db)
            try CoverageTable.createTable(db)
        }
        migrator.registerMigration("telemetry-2") { db in
            try DurableStreams.addDerivation(db)
            try DerivedCoverageTable.createTable(db)
        }
        migrator.registerMigration("telemetry-3") { db in try DurableStreams.addTraces(db) }
        migrator.registerMigration("storage-1") { db in try DurableStreams.addChecksums(db) }
        migrator.registerMigration("exports-1") { db in try DurableStreams.addExports(db) }
    }

    /// Makes the telemetry's part.
    static func makeTelemetry(_ core: CoreParts) async throws -> Telemetry {
        try await makeTelemetry(core, onNews: nil)
    }

    /// The same, telling what programs write and how they stand.
    static func makeTelemetry(
        _ core: CoreParts, onNews: (@Sendable (ProgramNews) -> Void)?
    ) async throws -> Telemetry {
        let room = DiskRoom(
            database: core.database.path, ballast: core.configuration.limits.ballastBytes, logger: core.logger
        )
        let committer = GroupCommitter(
            pool: core.database, room: room, endsWhenDamaged: true, logger: core.logger)
        let clock = core.clock
        let reconnect = core.configuration.timing.reconnect
        let parts = TelemetryParts(
            core: core.name, pool: core.database, committer: committer, revision: core.revision,
            host: core.cpuTemperature, activity: core.activity,
            clock: WallClock { Int64(clock.now().timeIntervalSince1970 * 1_000_000) },
            isClockDoubtful: { clock.systemClockBehind != nil },
            backoff: Backoff(initial: reconnect.first, maximum: reconnect.longest),
            uplinkBytes: core.configuration.limits.uplinkBytes,
            rates: core.configuration.limits.publishRates,
            shadows: CoreShadowSettings(core.configuration.limits), logger: core.logger)
        let monitor = StreamMonitor(parts: parts, interval: core.configuration.timing.statuses)
        return Telemetry(
            rpcServices: [
                PublishingService(CoreTelemetryService(parts: parts)),
                ShadowServiceProvider(backend: CoreShadowBackend(parts: parts)),
            ],
            services: [
                CancelledOnShutdown(committer), MemoryKeeper(parts: parts),
                CancelledOnShutdown(StreamExports(parts: parts)),
                CancelledOnShutdown(StreamExpiry(parts: parts)),
                CancelledOnShutdown(Uplinks(parts: parts, dialer: core.dialer)),
                CancelledOnShutdown(CloudDownlink(parts: parts, dialer: core.dialer)),
                CancelledOnShutdown(ShadowSync(parts: parts, dialer: core.dialer)),
                CancelledOnShutdown(ShadowKeeper(parts: parts)),
                CancelledOnShutdown(monitor),
            ],
            monitor: monitor, commands: StreamCommandRunner(parts: parts),
            programs: Programs(parts: core, telemetry: parts, onNews: onNews),
            healthServices: [
                Hedgerow_Telemetry_V1_TelemetryService.descriptor.fullyQualifiedService,
                Hedgerow_Shadow_V1_ShadowService.descriptor.fullyQualifiedService,
            ],
            commit: DeploymentCommit { needsRoom, work in
                try await committer.commit(needsRoom: needsRoom, work)
            },
            commitNothing: { try await committer.commit { _ in } })
    }
}
