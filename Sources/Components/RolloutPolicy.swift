/// How a deployment comes to the cores of its group: all at once, or in waves that stop by themselves where too
/// many fail (semantics, section 5).
public struct RolloutPolicy: Hashable, Sendable, Codable {
    /// Limits of a policy.
    public enum Limits {
        /// Most cores that are begun in a minute, and that are under way at once.
        public static let cores = 10_000
        /// Greatest factor by which the rate grows.
        public static let factor = 100.0
        /// Longest settling time.
        public static let settlingTime = TimeSpan.hours(1)
    }

    /// How fast cores are begun.
    public struct Rate: Hashable, Sendable, Codable {
        /// Cores that are begun in any minute, 1 to 10,000.
        public var maxPerMinute: Int
        /// By what the rate is multiplied each time that ``successes`` cores have succeeded; 1 where it stays the
        /// same, at most 100.
        public var factor: Double
        /// How many cores must succeed for the rate to grow once, at least 1.
        public var successes: Int

        /// Makes a rate; a constant one where nothing else is said.
        public init(maxPerMinute: Int, factor: Double = 1, successes: Int = 1) {
            self.maxPerMinute = maxPerMinute
            self.factor = factor
            self.successes = successes
        }

        /// Cores that may be begun in a minute once so many have succeeded: `maxPerMinute * factor ^ (succeeded /
        /// successes)`, rounded down, at most 10,000.
        public func perMinute(succeeded: Int) -> Int {
            var rate = Double(maxPerMinute)
            var left = succeeded / max(1, successes)
            while left > 0, factor > 1, rate < Double(Limits.cores) {
                rate *= factor
                left -= 1
            }
            return min(Int(rate), Limits.cores)
        }
    }

    /// When a rollout stops by itself.
    public struct AbortThreshold: Hashable, Sendable, Codable {
        /// More than so many per cent of the cores that came to an end have failed, 0 to 100: with 0 the first
        /// failure counts.
        public var failedPercent: Double
        /// Nothing is judged before so many came to an end, at least 1.
        public var minimumFinished: Int

        /// Makes a threshold.
        public init(failedPercent: Double, minimumFinished: Int = 1) {
            self.failedPercent = failedPercent
            self.minimumFinished = minimumFinished
        }
    }

    /// How fast; nil where all cores are begun at once.
    public var rate: Rate?
    /// Most cores that are under way at the same time; nil where there is no limit.
    public var maxInFlight: Int?
    /// When it stops by itself; nil for never.
    public var abort: AbortThreshold?
    /// What a core does where the revision fails after the switch.
    public var failurePolicy: FailurePolicy
    /// How long a core watches the new components after the switch; nil: as long as the components ask for.
    public var settlingTime: TimeSpan?

    /// Makes a policy: all at once, never aborted, rolled back on failure, unless something else is said.
    public init(
        rate: Rate? = nil, maxInFlight: Int? = nil, abort: AbortThreshold? = nil,
        failurePolicy: FailurePolicy = .rollback, settlingTime: TimeSpan? = nil
    ) {
        self.rate = rate
        self.maxInFlight = maxInFlight
        self.abort = abort
        self.failurePolicy = failurePolicy
        self.settlingTime = settlingTime
    }

    /// Whether cores wait for each other.
    public var isInWaves: Bool { rate != nil || maxInFlight != nil }

    /// Everything that is wrong with it: the field, and what it must be.
    public var problems: [DefinitionProblem] {
        var problems: [DefinitionProblem] = []
        func require(_ holds: Bool, _ path: String, _ message: String) {
            if !holds { problems.append(DefinitionProblem(path: path, message: message)) }
        }
        let cores = 1...Limits.cores
        if let rate {
            require(
                cores.contains(rate.maxPerMinute), "rate.max_per_minute",
                "is \(rate.maxPerMinute); write a number from 1 to \(Limits.cores)")
            require(
                (1...Limits.factor).contains(rate.factor), "rate.factor",
                "is \(rate.factor); write a number from 1 (constant) to \(Int(Limits.factor))")
            require(
                cores.contains(rate.successes), "rate.successes",
                "is \(rate.successes); write after how many successes the rate grows, 1 to \(Limits.cores)")
        }
        if let maxInFlight {
            require(
                cores.contains(maxInFlight), "max_in_flight",
                "is \(maxInFlight); write a number from 1 to \(Limits.cores)")
        }
        if let abort {
            require(
                (0...100).contains(abort.failedPercent), "abort.failed_percent",
                "is \(abort.failedPercent); write a percentage from 0 to 100")
            require(
                cores.contains(abort.minimumFinished), "abort.minimum_finished",
                "is \(abort.minimumFinished); write a number from 1 to \(Limits.cores)")
        }
        if let settlingTime {
            require(
                (.seconds(0)...Limits.settlingTime).contains(settlingTime), "settling_time",
                "is \(settlingTime); at most \(Limits.settlingTime) are allowed")
        }
        return problems
    }
}
