import Foundation
import Logging
import Messaging
import TestSupport

@testable import Supervision

/// A directory, a host and plans in it.
struct Bench: Sendable {
    let directory: String
    let host: ProgramHost

    /// A plan of an instance that runs a script, with short deadlines.
    func plan(_ script: String, name: String = "probe", sandbox: SandboxPolicy = .preferred) -> ProgramPlan {
        var plan = ProgramPlan(
            name: name,
            directories: ProgramDirectories(
                working: "\(directory)/work-\(name)", data: "\(directory)/data-\(name)",
                log: "\(directory)/log"))
        plan.run = ["sh", "-c", script]
        plan.sandbox = sandbox
        return plan
    }

    /// Runs a supervisor beside a body and ends it.
    func supervise<Value: Sendable>(
        _ plan: ProgramPlan, clock: MonotonicClock = .continuous, backoff: Backoff = Backoff(),
        onLine: (@Sendable (ProgramLine) -> Void)? = nil,
        _ body: (ProgramSupervisor) async throws -> Value
    ) async throws -> Value {
        let supervisor = ProgramSupervisor(
            plan: plan, host: host, clock: clock, backoff: backoff, logger: Logger(label: "test"),
            onLine: onLine)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await supervisor.run() }
            do {
                let value = try await body(supervisor)
                group.cancelAll()
                return value
            } catch {
                // The log says what happened; without it such a failure says nothing.
                let lines = supervisor.tail(20).joined(separator: "\n")
                throw DidNotHappen(description: "\(error)\nstatus: \(supervisor.status)\nlog:\n\(lines)")
            }
        }
    }

    /// The content of a file of the instance's working directory; nil where there is none.
    func text(_ file: String, name: String = "probe") -> String? {
        try? String(contentsOfFile: "\(directory)/work-\(name)/\(file)", encoding: .utf8)
    }
}

/// How much of the machine a host of a test uses.
enum HostKind: String, CaseIterable, Sendable {
    /// Nothing but `sh`.
    case plain
    /// util-linux and control groups, as far as they are here; no bubblewrap.
    case groups
    /// Everything that is here.
    case full

    /// Where the tools are that such a host finds.
    func searchPath(in directory: String) throws -> String {
        switch self {
        case .plain: return "/proc/nonexistent"
        case .full: return ProgramHost.standardSearchPath
        case .groups: break
        }
        let path = "\(directory)/tools"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for tool in ["setpriv", "prlimit"] {
            for place in ["/usr/bin", "/bin"] where access("\(place)/\(tool)", X_OK) == 0 {
                try? FileManager.default.createSymbolicLink(
                    atPath: "\(path)/\(tool)", withDestinationPath: "\(place)/\(tool)")
            }
        }
        return path
    }
}

/// Runs a test with a bench; the host's keeper runs beside it.
func withBench<Value: Sendable>(
    _ kind: HostKind = .plain, _ body: (Bench) async throws -> Value
) async throws -> Value {
    try await withTemporaryDirectory { directory in
        let path = try kind.searchPath(in: directory)
        let host = try await ProgramHost.open(
            directory: "\(directory)/programs",
            searchPath: path, usesCgroup: kind != .plain, logger: Logger(label: "test"))
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await host.run() }
            defer { group.cancelAll() }
            return try await body(Bench(directory: directory, host: host))
        }
    }
}

/// Whether this machine can run programs in a sandbox; says why not.
let hasSandbox: Bool = {
    let tools = ProgramTools()
    let sandbox = Sandbox(tools: tools, user: geteuid() == 0 ? ProgramUser(of: "trial") : nil)
    let command = sandbox.prefix(own: [], grants: SandboxGrants(), directory: "/tmp") + ["true"]
    guard tools.bwrap != nil, geteuid() != 0 || tools.setpriv != nil else {
        print("skipped: bubblewrap is not installed here")
        return false
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: command[0])
    process.arguments = Array(command.dropFirst())
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    if process.terminationStatus != 0 { print("skipped: bubblewrap does not work here") }
    return process.terminationStatus == 0
}()

/// A number of seconds that only one test sleeps, so that its `sleep` is found among all processes.
func uniqueSeconds() -> Int { .random(in: 1_000_000...2_000_000_000) }

/// The processes whose command line has a text.
func processes(with text: String) -> [Int32] {
    ProcFile.names("/proc").compactMap { Int32($0) }.filter { pid in
        guard pid != getpid(), let line = ProcFile.text("/proc/\(pid)/cmdline") else { return false }
        return line.contains(text)
    }
}
