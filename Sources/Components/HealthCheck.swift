/// How a core learns that a component is well.
public struct HealthCheck: Hashable, Sendable {
    /// Who says so.
    public enum Source: Hashable, Sendable {
        /// A command that exits with 0, within so long (5 s by default, at most the interval).
        case command(ProcessCommand, timeout: TimeSpan)
        /// The component itself, by an RPC, at least once an interval.
        case report
    }

    /// Who says so.
    public var source: Source
    /// How often; 30 s by default.
    public var interval: TimeSpan
    /// After how many bad or missing answers one after the other it counts as an error; 3 by default.
    public var failures: Int

    /// Makes a check with the defaults.
    public init(
        _ source: Source, interval: TimeSpan = Defaults.interval, failures: Int = Defaults.failures
    ) {
        self.source = source
        self.interval = interval
        self.failures = failures
    }

    /// What a recipe need not say.
    public enum Defaults {
        /// Of ``HealthCheck/interval``: 30 s.
        public static let interval = TimeSpan.seconds(30)
        /// Of a command's timeout: 5 s, or the interval where that is shorter.
        public static let timeout = TimeSpan.seconds(5)
        /// Of ``HealthCheck/failures``: 3.
        public static let failures = 3
    }

    /// Limits of a check.
    public enum Limits {
        /// Of ``HealthCheck/interval``: 1 s to 1 hour.
        public static let intervals = TimeSpan.seconds(1)...TimeSpan.hours(1)
        /// Of a command's timeout: 100 ms to 10 minutes, and at most the interval.
        public static let timeouts = TimeSpan(milliseconds: 100)...TimeSpan.seconds(600)
        /// Of ``HealthCheck/failures``.
        public static let failures = 1...100
    }
}
