/// What is known of a supervised program.
public struct ProgramStatus: Hashable, Sendable {
    /// Where it stands.
    public var state: ProgramState
    /// Since when, on the supervisor's clock.
    public var since: Duration
    /// Why, where there is something to say: one sentence.
    public var reason: String?
    /// How it ended last; nil before that.
    public var exit: ProgramExit?
    /// The process that leads it; nil while none does.
    public var pid: Int32?
    /// How often it was started.
    public var starts = 0
    /// How often of that after an error or by ``ProgramSupervisor/restart()``.
    public var restarts = 0
    /// Errors since the last calm hour, those of all states.
    public var errors = 0
    /// What its last health check or report said; nil before that, and where there is none.
    public var isHealthy: Bool?
    /// When it will be tried again, on the supervisor's clock; nil where nothing is planned.
    public var nextStart: Duration?

    init(state: ProgramState, since: Duration) {
        self.state = state
        self.since = since
    }
}
