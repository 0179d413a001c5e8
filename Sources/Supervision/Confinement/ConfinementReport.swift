/// What keeps programs in their bounds on this machine, as found when the core started.
public struct ConfinementReport: Hashable, Sendable {
    /// Sandbox.
    public let sandbox: SandboxFinding
    /// Control groups.
    public let cgroup: CgroupFinding
    /// Whether the core runs as root, so that programs in a sandbox get a user of their own.
    public let isRoot: Bool

    /// Whether programs can have a sandbox.
    public var hasSandbox: Bool {
        if case .bubblewrap = sandbox { return true }
        return false
    }

    /// What is in force, in one sentence for status and log.
    public var sentence: String {
        "Components run \(place), with memory limited by \(memory), processes by \(processes), CPU by \(cpu) "
            + "and open files by rlimits."
    }

    private var place: String {
        switch sandbox {
        case .bubblewrap(let version):
            "in a sandbox (bubblewrap \(version)) as \(isRoot ? "a user of their own" : "the core's user")"
        case .absent(let reason): "unconfined, without a sandbox as the core's user (\(reason))"
        }
    }

    private var memory: String { cgroup.has("memory") ? "cgroups" : "rlimits and a look each 2 s" }
    private var processes: String { cgroup.has("pids") ? "cgroups" : "a look each 2 s" }

    private var cpu: String {
        if cgroup.has("cpu") { return "cgroups" }
        switch cgroup {
        case .usable: return "nothing (no cpu controller here)"
        case .absent(let reason): return "nothing (\(reason))"
        }
    }
}
