/// How long to wait before the next attempt: 1 s, then 1.6 times as long each time, at most 120 s, each spread by
/// 20 % either way so that a fleet does not come back in step (semantics, section 2).
public struct Backoff: Hashable, Sendable {
    /// The first wait.
    public let initial: Duration
    /// By how much each wait is longer than the one before.
    public let factor: Double
    /// The longest wait, before the spread.
    public let maximum: Duration
    /// The spread: 0.2 means 20 % either way.
    public let jitter: Double

    private var attempts = 0

    /// Makes a backoff that begins with the first wait.
    ///
    /// - Parameters:
    ///   - initial: above zero.
    ///   - factor: at least 1.
    ///   - maximum: at least `initial`.
    ///   - jitter: 0 to 1.
    public init(
        initial: Duration = .seconds(1), factor: Double = 1.6, maximum: Duration = .seconds(120),
        jitter: Double = 0.2
    ) {
        self.initial = max(initial, .milliseconds(1))
        self.factor = max(factor, 1)
        self.maximum = max(maximum, self.initial)
        self.jitter = min(max(jitter, 0), 1)
    }

    /// The next wait.
    public mutating func next() -> Duration {
        var random = SystemRandomNumberGenerator()
        return next(using: &random)
    }

    /// The next wait, with randomness of the caller's choice.
    public mutating func next(using random: inout some RandomNumberGenerator) -> Duration {
        var wait = initial
        for _ in 0..<attempts where wait < maximum { wait = wait * factor }
        // Beyond this the wait has long been the longest one.
        attempts = min(attempts + 1, 1_000)
        let spread = Double.random(in: (1 - jitter)...(1 + jitter), using: &random)
        return min(wait, maximum) * spread
    }

    /// Begins anew: after a success.
    public mutating func reset() { attempts = 0 }
}
