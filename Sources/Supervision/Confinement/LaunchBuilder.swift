#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Puts before a command what confines it: `sh` (control group, limits) → `prlimit` (limits) → `nice`
/// (priority) → `setpriv` (parent-death signal) → `bwrap` (sandbox) → `setpriv` (user) → the command. Each replaces itself by the
/// next, so the process that is started is the program, or bubblewrap around it.
///
/// The stages are programs because what runs between fork and exec in a program with threads may hardly do
/// anything, and swift-subprocess lets nothing run there.
///
/// The parent-death signal is sent when the thread ends that started the process. That is the one on which
/// swift-subprocess starts all of them, and it lives as long as the core.
struct LaunchBuilder: Sendable {
    /// What is installed.
    let tools: ProgramTools
    /// The plan of the program.
    let plan: ProgramPlan
    /// Its sandbox; nil for none.
    let sandbox: Sandbox?
    /// Its control group; nil for none.
    let group: ProgramCgroup?
    /// Whether the memory of the group is limited.
    let isMemoryControlled: Bool

    /// Enters the control group named first, if any. A program that is not in its group would be without its
    /// limits.
    private static let entering = #"if [ -n "$1" ]; then echo 0 > "$1" || exit 125; fi; shift; exec "$@""#
    /// The same, and sets limits, which `-` leaves as they are.
    private static let limiting =
        #"if [ -n "$1" ]; then echo 0 > "$1" || exit 125; fi; shift; ulimit -c 0; "#
        + #"[ "$1" = - ] || ulimit -d "$1" || exit 125; [ "$2" = - ] || ulimit -n "$2" || exit 125; "#
        + #"shift 2; exec "$@""#

    /// The launch of a command. Looks at the file system, so it blocks.
    func launch(_ command: [String], marker: ProgramMarker) -> ProgramLaunch {
        // Each process' own; that of all of them together is looked at from time to time.
        let data = isMemoryControlled ? nil : plan.limits.memory
        let files = plan.limits.files.map { min($0, Self.mostFiles) }
        var arguments: [String]
        if let prlimit = tools.prlimit {
            arguments = group.map { ["-c", Self.entering, "sh", $0.entrance] } ?? []
            arguments += [prlimit, "--core=0"]
            if let data { arguments.append("--data=\(data)") }
            if let files { arguments.append("--nofile=\(files)") }
            arguments.append("--")
            if group != nil { arguments.insert(ProgramTools.shell, at: 0) }
        } else {
            arguments = [ProgramTools.shell, "-c", Self.limiting, "sh", group?.entrance ?? ""]
            arguments += [data.map { "\($0 >> 10)" } ?? "-", files.map(String.init) ?? "-"]
        }
        if let nice = tools.nice { arguments += [nice, "-n", "\(ProgramPriority.nice)"] }
        if let sandbox {
            arguments += sandbox.prefix(
                own: [plan.directories.working, plan.directories.data], grants: plan.grants,
                directory: plan.directories.working)
        } else if let setpriv = tools.setpriv {
            arguments += [setpriv, "--pdeathsig", "KILL", "--"]
        }
        let late = plan.environment.filter { Self.isForLoaders($0.key) }.map { "\($0.key)=\($0.value)" }
        if !late.isEmpty { arguments += [ProgramTools.env] + late.sorted() }
        arguments += command
        return ProgramLaunch(
            executable: arguments[0], arguments: Array(arguments.dropFirst()),
            environment: environment(marker),
            directory: plan.directories.working, isSandboxed: sandbox != nil)
    }

    /// The open files that the core may allow a program.
    private static var mostFiles: Int {
        var limit = rlimit()
        #if canImport(Glibc)
            let result = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        #else
            let result = getrlimit(RLIMIT_NOFILE, &limit)
        #endif
        return result == 0 ? Int(clamping: limit.rlim_max) : .max
    }

    private func environment(_ marker: ProgramMarker) -> [String: String] {
        var environment = ["PATH": ProgramTools.path, "HOME": plan.directories.data, "LANG": "C.UTF-8"]
        environment.merge(plan.environment.filter { !Self.isForLoaders($0.key) }) { $1 }
        environment[ProgramMarker.variable] = marker.value
        return environment
    }

    /// Whether a variable makes any program load or run something. The stages must not obey it, for they may
    /// be root's and stand outside of the sandbox: such variables are set last. All others are not, because a
    /// command line is read by everybody and an environment is not.
    private static func isForLoaders(_ name: String) -> Bool {
        name.hasPrefix("LD_") || name.hasPrefix("MALLOC_") || loaderVariables.contains(name)
    }

    private static let loaderVariables: Set<String> = [
        "BASH_ENV", "ENV", "GCONV_PATH", "GLIBC_TUNABLES", "LOCPATH", "NLSPATH", "SHELLOPTS",
    ]
}
