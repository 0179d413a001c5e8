import HedgerowAPI

/// Watches what a revision brought, after the switch.
protocol SettlingWatch: Sendable {
    /// Returns when the instances that it knows have been well for a time, at once where it knows none.
    ///
    /// - Parameters:
    ///   - instances: the new or changed ones of the revision that runs.
    ///   - running: that revision.
    ///   - time: how long.
    /// - Throws: ``SettlingFailure`` where one is not; `CancellationError`.
    func settle(_ instances: [RunningComponent], of running: RunningRevision, for time: Duration) async throws
}
