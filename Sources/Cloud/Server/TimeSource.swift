import FoundationEssentials

/// Where the cloud takes the time from: the real thing, or a test's.
struct TimeSource: Sendable {
    /// The time of day.
    var now: @Sendable () -> Date
    /// Waits; throws where the task is cancelled.
    var sleep: @Sendable (Duration) async throws -> Void

    /// The system's clock, and a clock that goes on while the time of day jumps.
    static let system = TimeSource(
        now: { Date() }, sleep: { try await ContinuousClock().sleep(for: $0) })
}
