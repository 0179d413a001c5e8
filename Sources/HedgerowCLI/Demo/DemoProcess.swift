import Foundation
import Subprocess
import Synchronization

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// A program that the demo started, with its output in a file.
///
/// While the demo watches over it, it dies with the demo, even where that is killed: by the kernel's
/// parent-death signal, set by util-linux's `setpriv` where that is there. With `--keep` it runs in a session of
/// its own from the beginning.
final class DemoProcess: Sendable {
    private struct State {
        var pid: pid_t?
        var ended: String?
    }

    let name: String
    let log: String
    private let executable: String
    private let arguments: [String]
    private let environment: [String: String]
    private let files: DemoDirectory
    private let isKept: Bool
    private let onLine: (@Sendable (String) -> Void)?
    private let state = Mutex(State())

    /// - Parameter onLine: gets each line of standard output, which then is not in the log; not where it is kept.
    init(
        name: String, executable: String, arguments: [String], environment: [String: String] = [:],
        log: String, files: DemoDirectory, isKept: Bool, onLine: (@Sendable (String) -> Void)? = nil
    ) {
        self.name = name
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.log = log
        self.files = files
        self.isKept = isKept
        self.onLine = onLine
    }

    /// The process id, once it runs.
    var pid: pid_t? { state.withLock { $0.pid } }

    /// How it ended; nil while it runs.
    var ended: String? {
        if isKept, let pid, kill(pid, 0) != 0 { return "it ended" }
        return state.withLock { $0.ended }
    }

    func send(_ signal: Int32) {
        if let pid, ended == nil { _ = kill(pid, signal) }
    }

    /// It could not be started: that is its end.
    func fail(_ reason: String) { state.withLock { $0.ended = reason } }

    /// Starts it and returns when it has ended; with `--keep` as soon as it runs.
    func run() async throws {
        let descriptor = try FileDescriptor.open(
            FilePath(files.file(log)), .writeOnly, options: [.create, .append], permissions: .ownerReadWrite)
        if isKept { return try await runDetached(descriptor) }
        let guardian = "/usr/bin/setpriv"
        let isGuarded = access(guardian, X_OK) == 0
        var options = PlatformOptions()
        // A group of its own: Ctrl-C in the terminal reaches the demo alone, which ends things in their order.
        options.processGroupID = 0
        let prefix = isGuarded ? ["--pdeathsig", "KILL", executable] : []
        let program = Executable.path(FilePath(isGuarded ? guardian : executable))
        let status: TerminationStatus
        if let onLine {
            status = try await Subprocess.run(
                program, arguments: .init(prefix + arguments), environment: inherited,
                platformOptions: options,
                input: .none, output: .sequence,
                error: .fileDescriptor(descriptor, closeAfterSpawningProcess: true)
            ) { execution in
                self.state.withLock { $0.pid = execution.processIdentifier.value }
                for try await line in execution.standardOutput.strings(
                    separatedBy: .unicodeScalarSequence(["\n"]))
                {
                    onLine(line)
                }
            }.terminationStatus
        } else {
            status = try await Subprocess.run(
                program, arguments: .init(prefix + arguments), environment: inherited,
                platformOptions: options,
                input: .none, output: .fileDescriptor(descriptor, closeAfterSpawningProcess: true),
                error: .combinedWithOutput
            ) { execution in
                self.state.withLock { $0.pid = execution.processIdentifier.value }
            }.terminationStatus
        }
        state.withLock { $0.ended = "\(status)" }
    }

    /// What it sees: the demo's own variables, those that are set for it, and none that would send traces elsewhere.
    private var inherited: Subprocess.Environment {
        let foreign = ProcessInfo.processInfo.environment.keys.filter { $0.hasPrefix("OTEL_") }
        var changes: [Subprocess.Environment.Key: String?] = [:]
        for name in foreign { changes[.init(stringLiteral: name)] = String?.none }
        for (name, value) in environment { changes[.init(stringLiteral: name)] = value }
        return .inherit.updating(changes)
    }

    private func runDetached(_ descriptor: FileDescriptor) async throws {
        let pidFile = files.file("\(log).pid")
        // A program that is started again must not be taken for the one before, which is dead.
        try? FileManager.default.removeItem(atPath: pidFile)
        let script = "echo $$ > \"$1\"; shift; exec \"$@\""
        _ = try await Subprocess.run(
            .path("/usr/bin/setsid"),
            arguments: .init(["--fork", "/bin/sh", "-c", script, "sh", pidFile, executable] + arguments),
            environment: inherited, input: .none,
            output: .fileDescriptor(descriptor, closeAfterSpawningProcess: true),
            error: .combinedWithOutput)
        for _ in 0..<500 {
            if let pid = pid_t(files.text("\(log).pid").trimmingCharacters(in: .whitespacesAndNewlines)) {
                state.withLock { $0.pid = pid }
                return
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw CLIError(.failure, "\(name) did not start", hint: "its log is \(files.file(log))")
    }
}
