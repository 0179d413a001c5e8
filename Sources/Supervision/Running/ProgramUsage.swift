/// What a program and all that it began use of the machine.
public struct ProgramUsage: Hashable, Sendable {
    /// Time of processors since the program's present start.
    public var cpuTime: Duration
    /// Memory that is in use now, in bytes. Without a memory controller shared pages count once for each
    /// process.
    public var residentBytes: Int
    /// Processes now.
    public var processes: Int
}
