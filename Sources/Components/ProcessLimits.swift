/// How much of a core a component may use, its child processes included. Nil is without a limit of the component's own.
public struct ProcessLimits: Hashable, Sendable {
    /// Most memory.
    public var memory: ByteSize?
    /// Most processor time, in processors: 0.5 is half of one.
    public var cpu: Double?
    /// Most processes and threads at the same time.
    public var processes: Int?
    /// Most open files of each process.
    public var files: Int?

    /// Of ``memory``: 1 MiB to 1 TiB.
    public static let memories = ByteSize.mebibytes(1)...ByteSize.mebibytes(1 << 20)
    /// Of ``cpu``: 0.01 to 1,024.
    public static let cpus = 0.01...1_024.0
    /// Of ``processes``: 1 to 32,768.
    public static let processCounts = 1...32_768
    /// Of ``files``: 16 to 1,048,576.
    public static let fileCounts = 16...1_048_576

    /// Makes limits; none where nothing is said.
    public init(memory: ByteSize? = nil, cpu: Double? = nil, processes: Int? = nil, files: Int? = nil) {
        self.memory = memory
        self.cpu = cpu
        self.processes = processes
        self.files = files
    }
}
