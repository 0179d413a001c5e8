/// What one supervised program is: its commands, its place, what it may reach and how much of the machine it
/// may use.
public struct ProgramPlan: Hashable, Sendable {
    /// Name of the instance: of its log, its records and its user. One running program of a host has it.
    public var name: String
    /// The program itself, as a list of arguments; nil where ``startup`` begins something that runs without
    /// it.
    public var run: [String]?
    /// Begins the work where there is no ``run``; has ended by itself when the work goes on.
    public var startup: ProgramHook?
    /// Asked before SIGTERM, or instead of it where there is no ``run``.
    public var shutdown: ProgramHook?
    /// Prepares ``ProgramDirectories/working``.
    public var install: ProgramHook?
    /// What ``install`` was for, a digest for example: with the same key and the same working directory it is
    /// not run again. Empty means again at each ``ProgramSupervisor/run()``.
    public var installKey: String
    /// Runs before a new start after an error.
    public var recover: ProgramHook?
    /// How one learns whether it works; nil where running is enough.
    public var health: ProgramHealth?
    /// Whether it always runs, or only while ``ProgramSupervisor/start()`` wants it.
    public var mode: ProgramMode
    /// How long it may take from the start until it is healthy for the first time, 120 s by default.
    public var startTimeout: Duration
    /// How long it has after SIGTERM, 15 s by default; then comes SIGKILL.
    public var stopTimeout: Duration
    /// Where it works, keeps its data and has its log.
    public var directories: ProgramDirectories
    /// All of its environment but what the supervisor adds: `PATH`, `HOME`, `LANG` (these where it has none
    /// of its own) and ``ProgramMarker/variable``. Nothing of the core's own environment is handed on.
    public var environment: [String: String]
    /// Whether it runs in a sandbox.
    public var sandbox: SandboxPolicy
    /// What it may reach in the sandbox beside the system's programs and its own directories.
    public var grants: SandboxGrants
    /// How much of the machine it may use.
    public var limits: ProgramLimits
    /// Most bytes of its log files, the older one included; 10 MiB by default.
    public var logQuota: Int

    /// Makes a plan with a name and directories; everything else has its default.
    public init(name: String, directories: ProgramDirectories) {
        self.name = name
        run = nil
        startup = nil
        shutdown = nil
        install = nil
        installKey = ""
        recover = nil
        health = nil
        mode = .longLived
        startTimeout = Self.standardStartTimeout
        stopTimeout = Self.standardStopTimeout
        self.directories = directories
        environment = [:]
        sandbox = .preferred
        grants = SandboxGrants()
        limits = ProgramLimits()
        logQuota = Self.standardLogQuota
    }

    /// Of ``install``, and of ``startup`` and ``startTimeout``: 120 s.
    public static let standardStartTimeout: Duration = .seconds(120)
    /// Of ``shutdown`` and ``stopTimeout``: 15 s.
    public static let standardStopTimeout: Duration = .seconds(15)
    /// Of ``recover``: 60 s.
    public static let standardRecoverTimeout: Duration = .seconds(60)
    /// Of ``logQuota``: 10 MiB.
    public static let standardLogQuota = 10 << 20

    /// Why this cannot be run at all; nil where it can.
    var problem: String? {
        let hasRun = !(run ?? []).isEmpty
        if hasRun == (startup != nil) {
            return "the program \(name) must have exactly one of run and startup; change its recipe"
        }
        let hooks = [startup, shutdown, install, recover, health?.command].compactMap { $0 }
        if hooks.contains(where: { $0.arguments.isEmpty }) {
            return "a hook of the program \(name) has no command; change its recipe"
        }
        let paths = directories.all + grants.all
        if let path = paths.first(where: { !$0.hasPrefix("/") }) {
            return "\(path) of the program \(name) is no absolute path; change its recipe"
        }
        if name.isEmpty || name.hasPrefix(".") || name.contains("/") {
            return "\"\(name)\" cannot name a program; give it a name without / that begins with no point"
        }
        return nil
    }
}
