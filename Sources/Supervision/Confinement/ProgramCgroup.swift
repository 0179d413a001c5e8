#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The control group of one start of a program. Everything here blocks.
struct ProgramCgroup: Hashable, Sendable {
    /// Its directory.
    let path: String

    /// What a process writes `0` to, to be in it.
    var entrance: String { "\(path)/cgroup.procs" }

    /// How often the time of `cpu.max` is given anew, in microseconds.
    static let period = 100_000

    /// Makes one with the limits of a program, as far as there are controllers; nil where that fails.
    init?(in root: CgroupRoot, name: String, limits: ProgramLimits) {
        path = "\(root.path)/\(name)"
        guard mkdir(path, 0o755) == 0 else { return nil }
        for (file, value) in Self.settings(limits, controllers: root.controllers) {
            guard ProcFile.write(value, to: "\(path)/\(file)") == 0 else {
                rmdir(path)
                return nil
            }
        }
        // Swap would make the limit a slow one. Not everywhere is it counted.
        if limits.memory != nil { _ = ProcFile.write("0", to: "\(path)/memory.swap.max") }
    }

    /// What is written into which files for limits, as far as there are controllers for them.
    static func settings(_ limits: ProgramLimits, controllers: [String]) -> [(file: String, value: String)] {
        var settings: [(file: String, value: String)] = []
        if let memory = limits.memory, controllers.contains("memory") {
            settings.append(("memory.max", "\(memory)"))
            // A program that lost a part of itself is no use to anybody.
            settings.append(("memory.oom.group", "1"))
        }
        if let cpu = limits.cpu, controllers.contains("cpu") {
            // The kernel takes no less than a millisecond.
            let quota = max(Int(cpu * Double(period)), 1_000)
            settings.append(("cpu.max", "\(quota) \(period)"))
        }
        if let processes = limits.processes, controllers.contains("pids") {
            settings.append(("pids.max", "\(processes)"))
        }
        return settings
    }

    /// Those in it.
    var processes: [Int32] {
        (ProcFile.text(entrance) ?? "").split(separator: "\n").compactMap { Int32($0) }
    }

    /// Processor time of all that was ever in it.
    var cpuTime: Duration? {
        let lines = (ProcFile.text("\(path)/cpu.stat") ?? "").split(separator: "\n")
        let usage = lines.first { $0.hasPrefix("usage_usec ") }
        return usage.flatMap { Int($0.dropFirst("usage_usec ".count)) }.map { .microseconds($0) }
    }

    /// Memory of it; nil without that controller.
    var memory: Int? {
        (ProcFile.text("\(path)/memory.current")?.split(separator: "\n").first).flatMap { Int($0) }
    }

    /// Whether the kernel killed it because of its memory.
    var ranOutOfMemory: Bool {
        let lines = (ProcFile.text("\(path)/memory.events") ?? "").split(separator: "\n")
        return lines.contains { $0.hasPrefix("oom_kill ") && $0 != "oom_kill 0" }
    }

    /// Sends SIGKILL to all in it at once.
    func kill() { _ = ProcFile.write("1", to: "\(path)/cgroup.kill") }

    /// Removes it, which only works once nothing is in it; returns whether it is gone.
    func remove() -> Bool { rmdir(path) == 0 || errno == ENOENT }
}
