/// A clock that only goes forward, as a value that tests replace.
public struct MonotonicClock: Sendable {
    /// Time since some fixed moment.
    public let now: @Sendable () -> Duration
    /// Waits so long; throws where the task is cancelled meanwhile.
    public let sleep: @Sendable (Duration) async throws -> Void

    /// The system's, which goes on while the machine sleeps.
    public static let continuous = MonotonicClock(ContinuousClock())

    /// Makes a clock of two functions.
    public init(
        now: @escaping @Sendable () -> Duration, sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.sleep = sleep
    }

    /// Any clock.
    public init<C: Clock>(_ clock: C) where C.Duration == Duration {
        let start = clock.now
        now = { start.duration(to: clock.now) }
        sleep = { try await clock.sleep(for: $0) }
    }
}
