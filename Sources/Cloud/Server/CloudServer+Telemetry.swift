import FoundationEssentials
import GRDB
import GRPCCore
import HedgerowAPI
import Identity
import RPCSupport
import ServiceLifecycle
import ShadowStore
import Shadows
import StreamStore

/// Where telemetry is put into the cloud.
extension CloudServer {
    /// What telemetry adds: services on the mutually authenticated listener, and what runs beside them (started
    /// before the listeners, stopped after them).
    struct Telemetry: Sendable {
        var services: [any RegistrableRPCService] = []
        var background: [any Service] = []
        /// Where shadows are kept.
        let shadows: CloudShadowStore
        /// Number of cores that sync shadows now.
        var syncingCores: @Sendable () -> Int = { 0 }
        /// Makes the round trip that every message makes, with nothing to store.
        var commitNothing: @Sendable () async throws -> Void = {}
    }

    /// Migrations of telemetry and shadows, run after the control plane's.
    static let telemetryMigrations: [CloudDatabase.Migrations] = [
        { TelemetrySchema.register(&$0) }, { ShadowSchema.register(in: &$0) },
    ]

    /// Makes the services of telemetry and shadows, which write by the same committer.
    static func makeTelemetry(_ context: CloudContext) async throws -> Telemetry {
        let committer = GroupCommitter(
            pool: context.database.pool,
            room: DiskRoom(database: context.database.pool.path, logger: context.logger),
            logger: context.logger)
        let sessions = SessionRegistry()
        let clock = WallClock { Int64(context.time.now().timeIntervalSince1970 * 1_000_000) }
        let store = SQLiteTelemetryStore(
            pool: context.database.pool, committer: committer, sessions: sessions, fleet: context.directory,
            clock: clock)
        let shadows = CloudShadows(
            context,
            store: CloudShadowStore(
                pool: context.database.pool, committer: committer, clock: clock,
                limits: ShadowLimits(documentBytes: context.configuration.shadows.maximumBytes),
                historyDepth: context.configuration.shadows.historyDepth))
        let live = LiveHub()
        let downlink = Downlink()
        let provider = TelemetryServiceProvider(
            backend: CloudPublishBackend(store: store, live: live, downlink: downlink), sessions: sessions,
            live: live, downlink: downlink, fleet: context.directory,
            isRegistered: { context.directory.isRegistered(thing: $0) },
            presence: { principal, isThere in
                // A core's presence is its attachment.
                guard principal.role == .thing else { return }
                if isThere {
                    context.presence.enter(principal.name)
                } else {
                    context.presence.leave(principal.name, at: context.now)
                }
            }, clock: clock, logger: context.logger)
        let retention = context.configuration.retention
        return Telemetry(
            services: [PublishingService(provider), ShadowServiceProvider(backend: shadows)],
            background: [
                committer,
                RetentionService(
                    store: store,
                    policy: RetentionPolicy(
                        maximumAge: retention.maximumAge,
                        maximumBytes: Int64(clamping: retention.maximumBytes)),
                    clock: ContinuousClock(), logger: context.logger),
                ShadowTombstones(shadows: shadows),
            ], shadows: shadows.store, syncingCores: { shadows.sessions.count },
            commitNothing: { try await committer.commit { _ in } })
    }
}
