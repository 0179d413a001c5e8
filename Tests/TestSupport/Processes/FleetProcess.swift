import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One program of ours that runs as a process of its own, with its output in a file.
///
/// Made by ``ProcessFleet``, which also kills it when the test is over.
public final class FleetProcess: Sendable {
    /// How a process ended.
    public enum Exit: Hashable, Sendable {
        /// By itself, with a code.
        case code(Int32)
        /// By a signal.
        case signal(Int32)
    }

    /// What it is called in messages.
    public let name: String
    /// The file with its output and its errors; shared by all runs of the same name.
    public let logPath: String
    /// The process id; may be another process's once ``exit`` is not nil.
    public let processID: Int32

    private let ending: Ending

    /// Holds how it ended; set once, by Foundation's monitor.
    private final class Ending: Sendable {
        private let value = Mutex<Exit?>(nil)
        var exit: Exit? { value.withLock { $0 } }
        func set(_ exit: Exit) { value.withLock { $0 = exit } }
    }

    init(
        name: String, executable: URL, arguments: [String], environment: [String: String] = [:],
        directory: String, logPath: String
    ) throws {
        self.name = name
        self.logPath = logPath
        let log = open(logPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard log >= 0 else { throw DidNotHappen(description: "\(logPath) cannot be opened") }
        let output = FileHandle(fileDescriptor: log, closeOnDealloc: true)
        try output.write(
            contentsOf: Data(
                "\n=== \(executable.lastPathComponent) \(arguments.joined(separator: " "))\n".utf8))
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        // Nothing of the caller's settings reaches the programs.
        process.environment = [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "HOME": directory,
            "TMPDIR": directory,
        ].merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        let ending = Ending()
        process.terminationHandler = { ended in
            ending.set(
                ended.terminationReason == .exit
                    ? .code(ended.terminationStatus) : .signal(ended.terminationStatus))
        }
        try process.run()
        processID = process.processIdentifier
        self.ending = ending
    }

    /// How it ended; nil while it runs.
    public var exit: Exit? { ending.exit }

    /// Sends a signal, unless it has ended.
    public func signal(_ number: Int32) {
        guard exit == nil else { return }
        _ = kill(processID, number)
    }

    /// Kills it (SIGKILL) and returns when it is gone.
    public func kill9() async throws {
        signal(SIGKILL)
        _ = try await waitForExit(within: .seconds(20))
    }

    /// Waits until it ends.
    ///
    /// - Throws: ``DidNotHappen`` at the deadline.
    @discardableResult
    public func waitForExit(within deadline: Duration) async throws -> Exit {
        try await eventually("\(name) (process \(processID)) ends", within: deadline) { self.exit }
    }

    /// Asks it to end (SIGTERM), and returns how it ended and how long that took.
    public func terminate(within deadline: Duration) async throws -> (exit: Exit, duration: Duration) {
        let clock = ContinuousClock()
        let start = clock.now
        signal(SIGTERM)
        let exit = try await waitForExit(within: deadline)
        return (exit, clock.now - start)
    }

    /// The end of its output.
    public func logTail(bytes: Int = 6_000) -> String {
        guard let data = FileManager.default.contents(atPath: logPath) else { return "(no output)" }
        return String(decoding: data.suffix(bytes), as: UTF8.self)
    }
}
