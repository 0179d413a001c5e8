/// How much of the machine a program and all that it begins may use; nil is no limit.
public struct ProgramLimits: Hashable, Sendable {
    /// Most bytes of memory.
    public var memory: Int?
    /// Most time of processors: 0.5 is half of one. Needs cgroups.
    public var cpu: Double?
    /// Most processes and threads together.
    public var processes: Int?
    /// Most open files of each process.
    public var files: Int?

    /// Makes limits.
    public init(memory: Int? = nil, cpu: Double? = nil, processes: Int? = nil, files: Int? = nil) {
        self.memory = memory
        self.cpu = cpu
        self.processes = processes
        self.files = files
    }
}
