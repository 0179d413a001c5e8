/// When a program runs.
public enum ProgramMode: Hashable, Sendable {
    /// Always.
    case longLived
    /// From ``ProgramSupervisor/start()`` to ``ProgramSupervisor/stop()``; in between it is INSTALLED.
    case onDemand
}
