/// A program that a core starts, watches and confines (architecture, section 5; semantics, section 5).
public struct ProcessDefinition: Hashable, Sendable {
    /// How the program is begun and ended.
    public var start: ProcessStart
    /// Prepares the component's directory, once for each version on a core; nil where there is nothing to do.
    public var install: HookCommand?
    /// Ends the work: always there with ``ProcessStart/hooks(_:)``, asked before SIGTERM with
    /// ``ProcessStart/run(_:)``. Nil where SIGTERM alone will do.
    public var shutdown: HookCommand?
    /// Puts things right before the next start after an error; nil where there is nothing to do.
    public var recover: HookCommand?
    /// How the core learns that it is well; nil where it is as long as it runs.
    public var health: HealthCheck?
    /// Whether it runs all the time or for events only.
    public var mode: ProcessMode
    /// How long the handler of an event may take; 3 s by default.
    public var handlerTimeout: TimeSpan
    /// After how long without an event an on-demand program is ended; 60 s by default, 0 for never.
    public var idleTimeout: TimeSpan
    /// How long it has to have been RUNNING for a deployment to count as successful; 10 s by default.
    public var settle: TimeSpan
    /// What becomes of it when its configuration changes; started anew by default.
    public var onConfigurationChange: ConfigurationPolicy
    /// Whether it may run without a sandbox.
    public var sandbox: SandboxNeed
    /// How much of the core it may use.
    public var limits: ProcessLimits
    /// Most bytes of its log that are kept; 10 MiB by default.
    public var maximumLogSize: ByteSize
    /// Variables that instances have where they say nothing else, by name.
    public var environment: [String: String]
    /// Names of the secrets that it may read, in the recipe's order; each once.
    public var secrets: [String]

    /// Makes a definition with the defaults.
    public init(
        start: ProcessStart, install: HookCommand? = nil, shutdown: HookCommand? = nil,
        recover: HookCommand? = nil, health: HealthCheck? = nil, mode: ProcessMode = .longLived,
        handlerTimeout: TimeSpan = Defaults.handlerTimeout, idleTimeout: TimeSpan = Defaults.idleTimeout,
        settle: TimeSpan = Defaults.settle,
        onConfigurationChange: ConfigurationPolicy = .restart, sandbox: SandboxNeed = .preferred,
        limits: ProcessLimits = ProcessLimits(), maximumLogSize: ByteSize = Defaults.logSize,
        environment: [String: String] = [:], secrets: [String] = []
    ) {
        self.start = start
        self.install = install
        self.shutdown = shutdown
        self.recover = recover
        self.health = health
        self.mode = mode
        self.handlerTimeout = handlerTimeout
        self.idleTimeout = idleTimeout
        self.settle = settle
        self.onConfigurationChange = onConfigurationChange
        self.sandbox = sandbox
        self.limits = limits
        self.maximumLogSize = maximumLogSize
        self.environment = environment
        self.secrets = secrets
    }

    /// How long it may take until it is known to have settled: its hooks, the first start, and the settling time.
    public var longestStart: Duration {
        let begin: TimeSpan =
            if case .hooks(let hook) = start { hook.timeout } else { ProcessHook.startup.defaultTimeout }
        return (install?.timeout.duration ?? .zero) + (recover?.timeout.duration ?? .zero) + begin.duration
            + settle.duration
    }

    /// What a recipe need not say.
    public enum Defaults {
        /// Of ``ProcessDefinition/handlerTimeout``: 3 s.
        public static let handlerTimeout = TimeSpan.seconds(3)
        /// Of ``ProcessDefinition/idleTimeout``: 60 s.
        public static let idleTimeout = TimeSpan.seconds(60)
        /// Of ``ProcessDefinition/settle``: 10 s.
        public static let settle = TimeSpan.seconds(10)
        /// Of ``ProcessDefinition/maximumLogSize``: 10 MiB.
        public static let logSize = ByteSize.mebibytes(10)
    }

    /// Limits of a definition.
    public enum Limits {
        /// Most secrets.
        public static let secrets = 16
        /// Of ``ProcessDefinition/handlerTimeout``: 10 ms to 10 minutes.
        public static let handlerTimeouts = TimeSpan(milliseconds: 10)...TimeSpan.seconds(600)
        /// Of ``ProcessDefinition/idleTimeout`` where it is not 0: 1 s to 1 day.
        public static let idleTimeouts = TimeSpan.seconds(1)...TimeSpan.days(1)
        /// Of ``ProcessDefinition/settle``: 0 s to 1 hour.
        public static let settlingTimes = TimeSpan.seconds(0)...TimeSpan.hours(1)
        /// Of ``ProcessDefinition/maximumLogSize``: 64 KiB to 1 GiB.
        public static let logSizes = ByteSize.kibibytes(64)...ByteSize.mebibytes(1_024)
    }

    /// The variables of an instance: the recipe's, and the instance's own, which win.
    ///
    /// - Parameter own: what the group says of the instance.
    public func environment(of own: [String: String]) -> [String: String] {
        environment.merging(own) { $1 }
    }
}
