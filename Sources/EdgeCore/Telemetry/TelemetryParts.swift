import GRDB
import Logging
import Messaging
import Observability
import RPCSupport
import StreamStore
import Transforms

/// What the parts of the core's telemetry share.
struct TelemetryParts: Sendable {
    let core: String
    /// Drawn at this start of the process.
    let epoch: Epoch
    let pool: DatabasePool
    let committer: GroupCommitter
    let sessions: SessionRegistry
    let router: Router
    let uplinks: UplinkSignals
    /// Where the streams are.
    let streams: StreamHomes
    /// The epochs that they are appended to.
    let lanes: StreamLanes
    /// What the cloud has and is not freed yet.
    let acknowledgements = PendingAcknowledgements()
    /// Divides the line to the cloud.
    let share: UplinkShare
    /// Holds streams to their rates.
    let rate = UplinkRate()
    let outlets: ThingOutlets
    /// Where programs take their messages from.
    let inboxes = Inboxes()
    /// The shadows of this core.
    let shadows: CoreShadows
    /// Wakes the exports of streams.
    let exports = ExportSignals()
    /// How fast each thing may publish.
    let rates: PublishRates
    let revision: ActiveRevision
    /// What components may ask for.
    let host: any TransformHost & Sendable
    /// What components did.
    let activity: ComponentActivity
    /// What went into the streams and out of them.
    let counters = StreamCounters()
    /// What things published, for metrics.
    let ingested = IngestMetrics()
    let clock: WallClock
    let isClockDoubtful: @Sendable () -> Bool
    /// The waits between two attempts to reach the cloud, at their beginning.
    let backoff: Backoff
    /// Records what happens to sampled messages; nil where nothing is recorded.
    let tracer: MessageTracer?
    let logger: Logger
    private let limiter = OncePerMinute()

    init(
        core: String, pool: DatabasePool, committer: GroupCommitter, revision: ActiveRevision,
        host: any TransformHost & Sendable, activity: ComponentActivity, clock: WallClock,
        isClockDoubtful: @escaping @Sendable () -> Bool, backoff: Backoff = Backoff(),
        uplinkBytes: Int = CoreConfiguration.Limits().uplinkBytes, rates: PublishRates = PublishRates(),
        tracer: MessageTracer? = MessageTracer(), shadows: CoreShadowSettings = CoreShadowSettings(),
        logger: Logger
    ) {
        self.core = core
        epoch = Epoch.random()
        self.pool = pool
        self.committer = committer
        sessions = SessionRegistry()
        self.revision = revision
        self.host = host
        self.activity = activity
        router = Router(logger: logger)
        uplinks = UplinkSignals()
        streams = StreamHomes(pool: pool, committer: committer, damage: StreamDamage(logger: logger))
        lanes = StreamLanes(initial: epoch)
        share = UplinkShare(maximumBytes: uplinkBytes)
        outlets = ThingOutlets()
        self.rates = rates
        self.shadows = CoreShadows(settings: shadows)
        self.clock = clock
        self.isClockDoubtful = isClockDoubtful
        self.backoff = backoff
        self.tracer = tracer
        self.logger = logger
    }

    /// The routes of the revision that runs.
    var table: RoutingTable { router.table(of: revision.running) }

    /// Logs an event of one cause at most once a minute.
    func onceAMinute(_ cause: String, _ log: () -> Void) {
        if limiter.admit(cause) != nil { log() }
    }
}
