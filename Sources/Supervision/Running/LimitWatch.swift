/// Limits that no controller enforces, to be looked at from time to time; nil where there are none.
struct LimitWatch: Sendable {
    private let memory: Int?
    private let processes: Int?

    /// How often.
    static let interval: Duration = .seconds(2)

    /// - Parameter cgroup: the controllers of the program's control group; nil where it has none.
    init?(_ limits: ProgramLimits, cgroup: CgroupFinding?) {
        memory = cgroup?.has("memory") == true ? nil : limits.memory
        processes = cgroup?.has("pids") == true ? nil : limits.processes
        if memory == nil, processes == nil { return nil }
    }

    /// What is exceeded, as a sentence; nil where nothing is.
    func excess(_ usage: ProgramUsage) -> String? {
        if let memory, usage.residentBytes > memory {
            return "it uses \(usage.residentBytes) bytes of memory, its limit is \(memory)"
        }
        if let processes, usage.processes > processes {
            return "it has \(usage.processes) processes, its limit is \(processes)"
        }
        return nil
    }
}
