/// A health check that is under way.
struct HealthCheckRun: Sendable {
    let process: ProgramProcess
    let scope: ProgramScope
    /// Passes when it takes too long.
    let alarm: Alarm
}
