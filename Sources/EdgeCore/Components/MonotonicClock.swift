/// A clock that only goes forward, as a value that tests replace.
struct MonotonicClock: Sendable {
    /// Time since some fixed moment.
    let now: @Sendable () -> Duration
    /// Waits so long.
    let sleep: @Sendable (Duration) async throws -> Void

    /// The system's, which goes on while the machine sleeps.
    static let continuous = MonotonicClock(ContinuousClock())

    init(now: @escaping @Sendable () -> Duration, sleep: @escaping @Sendable (Duration) async throws -> Void)
    {
        self.now = now
        self.sleep = sleep
    }

    /// Any clock.
    init<C: Clock>(_ clock: C) where C.Duration == Duration {
        let start = clock.now
        now = { start.duration(to: clock.now) }
        sleep = { try await clock.sleep(for: $0) }
    }
}
