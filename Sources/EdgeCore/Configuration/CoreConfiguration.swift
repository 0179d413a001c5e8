/// Everything that a core must be told.
///
/// A plain value, for tests and embedding; the program reads it from flags, environment and file
/// (``CoreSettings``).
public struct CoreConfiguration: Sendable {
    /// Bounds of what is kept in memory, and for whom.
    public struct Limits: Hashable, Sendable {
        /// Most things that may have calls open at once. Default: 1,000 (semantics, section 8).
        public var connectedThings = 1_000
        /// Most connections that one thing may have; a further one ends the oldest. Default: 8.
        public var connectionsPerThing = 8
        /// Most calls that one thing may have open. Default: 32.
        public var callsPerThing = 32
        /// Most messages that one thing may publish in a second, all its streams together; 0 for any number. Default: 0.
        public var messagesPerSecondPerThing = 0
        /// Most bytes that one thing may publish in a second, as they are stored; 0 for any number. Default: 0.
        public var bytesPerSecondPerThing = 0
        /// Most messages that wait for one local subscriber. Default: 1,000 (semantics, section 2).
        public var subscriberMessages = 1_000
        /// How long a message waits for a subscriber that is away. Default: 24 hours.
        public var subscriberAge: Duration = .seconds(86_400)
        /// Most bytes of payload that the uplink has under way. Default: 8 MiB.
        public var uplinkBytes = 8 << 20
        /// Bytes of disk that are kept for working on when it is full. Default: 16 MiB.
        public var ballastBytes: Int64 = 16 << 20
        /// Most bytes of artifacts (files of components) on the disk. Default: 1 GiB.
        public var artifactBytes: UInt64 = ArtifactStore.standardMaximum
        /// Most bytes of desired and reported of a shadow. Default: 30 KiB.
        public var shadowBytes = 30 << 10
        /// Versions of each shadow that are kept. Default: 20.
        public var shadowHistory = 20

        /// The defaults.
        public init() {}
    }

    /// How long the core waits for what; only tests have a reason to change it.
    public struct Timing: Sendable {
        /// How often addresses, certificates and deadlines are looked at. Default: 5 s.
        public var tick: Duration = .seconds(5)
        /// How long the cloud may take to answer an attachment. Default: 20 s.
        public var welcome: Duration = .seconds(20)
        /// How long the cloud may take to answer a certificate request. Default: 60 s.
        public var certificate: Duration = .seconds(60)
        /// How long the cloud may take to send one recipe. Default: 20 s.
        public var recipe: Duration = .seconds(20)
        /// How long a deployment may take to fetch what is missing. Default: 30 min.
        public var fetch: Duration = .seconds(1_800)
        /// How long it may take to compare digests and compile recipes. Default: 5 min.
        public var verify: Duration = .seconds(300)
        /// How long it may take to prepare what components need beside their files. Default: 2 min.
        public var stage: Duration = .seconds(120)
        /// How long it may take to put the new revision in the place of the old one. Default: 1 min.
        public var switchOver: Duration = .seconds(60)
        /// How long the watching after the switch may take beyond the settling time. Default: 1 min.
        public var settleMargin: Duration = .seconds(60)
        /// How long it may take to go back to the revision before. Default: 1 min.
        public var back: Duration = .seconds(60)
        /// Least time between two reports of what components did. Default: 10 s.
        public var statuses: Duration = .seconds(10)
        /// First and longest wait between two attempts to reach the cloud. Default: 1 s and 120 s.
        public var reconnect: (first: Duration, longest: Duration) = (.seconds(1), .seconds(120))
        /// How long the core stays away after another process took over its attachment. Default: 60 s.
        public var superseded: Duration = .seconds(60)
        /// How long open calls may take to end when the core stops. Default: 10 s.
        public var shutdown: Duration = .seconds(10)

        /// The defaults.
        public init() {}
    }

    /// The default of ``statePath``.
    public static let defaultState = "/var/lib/hedgerow-core"
    /// The default of ``listenPort``.
    public static let defaultPort = 8445

    /// Directory of everything that the core must keep; made where it is missing.
    public var statePath: String
    /// Token file to enrol with; needed for the first start only.
    public var tokenPath: String?
    /// Address to listen at: an IPv4 or IPv6 literal, or `localhost`. Default: every IPv4 address.
    public var listenHost: String
    /// Port to listen at; 0 lets the system choose one.
    public var listenPort: Int
    /// Addresses to report to the cloud, the best first: `HOST`, `HOST:PORT` or `[IPV6]:PORT`. Empty: those of
    /// the machine.
    public var advertise: [String]
    /// Bounds.
    public var limits = Limits()
    /// File with the temperature of the CPU in thousandths of a degree Celsius, for components that ask for it.
    public var cpuTemperaturePath = CPUTemperature.defaultPath
    /// What recipes may ask of the machine beside its operating system and architecture, each `KEY=VALUE`.
    public var platformKeys: [String] = []
    /// Waiting times.
    public var timing = Timing()

    /// Makes a configuration.
    public init(
        statePath: String = CoreConfiguration.defaultState, tokenPath: String? = nil,
        listenHost: String = "0.0.0.0",
        listenPort: Int = CoreConfiguration.defaultPort, advertise: [String] = []
    ) {
        self.statePath = statePath
        self.tokenPath = tokenPath
        self.listenHost = listenHost
        self.listenPort = listenPort
        self.advertise = advertise
    }
}
