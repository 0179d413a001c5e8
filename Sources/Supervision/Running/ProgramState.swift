/// Where a supervised program stands (semantics, section 5).
public enum ProgramState: String, Hashable, Sendable, CaseIterable {
    /// `install` has not succeeded yet.
    case new = "NEW"
    /// Ready to start, and nothing of it runs.
    case installed = "INSTALLED"
    /// Started, and not yet healthy.
    case starting = "STARTING"
    /// Runs, and is healthy as far as its plan can tell.
    case running = "RUNNING"
    /// Is being ended.
    case stopping = "STOPPING"
    /// Failed; will be started again.
    case errored = "ERRORED"
    /// Failed too often; is not started again before somebody says so.
    case broken = "BROKEN"
    /// Ended by itself with code 0.
    case finished = "FINISHED"
}
