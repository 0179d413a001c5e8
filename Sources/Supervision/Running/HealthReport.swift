/// What a program said of its own health.
struct HealthReport: Hashable, Sendable {
    let isHealthy: Bool
    /// Why not.
    let reason: String?
    /// When, on the supervisor's clock.
    let at: Duration
    /// How many came in this start, this one included.
    let number: Int
}
