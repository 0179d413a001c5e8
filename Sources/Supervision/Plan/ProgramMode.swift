/// When a program runs.
public enum ProgramMode: Hashable, Sendable {
    /// Always.
    case longLived
    /// From ``ProgramSupervisor/start()`` to ``ProgramSupervisor/stop()``; in between it is INSTALLED. Where it
    /// ends by itself with code 0 it is not wanted any more either, and has to be started again.
    case onDemand
}
