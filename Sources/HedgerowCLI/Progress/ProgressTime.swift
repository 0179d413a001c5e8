/// The clock that progress goes by, so that a test can turn it.
public struct ProgressTime: Sendable {
    /// How much has passed since this was made.
    let elapsed: @Sendable () -> Duration
    /// Waits.
    ///
    /// It throws `CancellationError`.
    let sleep: @Sendable (Duration) async throws -> Void

    /// Counts on a clock.
    public init<Time: Clock<Duration>>(_ clock: Time) {
        let origin = clock.now
        elapsed = { origin.duration(to: clock.now) }
        sleep = { try await clock.sleep(for: $0) }
    }
}
