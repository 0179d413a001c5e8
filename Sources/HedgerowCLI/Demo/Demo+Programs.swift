import Foundation
import Subprocess

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

extension Demo {
    /// The directory of the running program, where the others lie too.
    static var binaries: String {
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
            ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: own).deletingLastPathComponent().path
    }

    func program(
        _ name: String, _ executable: String, _ arguments: [String], _ environment: [String: String]
    ) -> DemoProcess {
        DemoProcess(
            name: name, executable: "\(Self.binaries)/\(executable)", arguments: arguments,
            environment: environment, log: "\(name).log",
            files: files, isKept: keep)
    }

    func end(_ processes: [DemoProcess]) async throws {
        for process in processes.reversed() {
            process.send(SIGTERM)
            let deadline = ContinuousClock.now + .seconds(10)
            while process.ended == nil, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(20))
            }
            process.send(SIGKILL)
        }
    }

    /// Waits for a condition; says which program failed where it does not come true.
    func wait(_ what: String, for process: DemoProcess?, _ condition: () -> Bool) async throws {
        let deadline = ContinuousClock.now + Self.patience
        while !condition() {
            try await Task.sleep(for: .milliseconds(30))
            if let process, let ended = process.ended {
                throw failure("\(process.name) ended (\(ended)) while waiting for \(what)", process)
            }
            guard ContinuousClock.now < deadline else { throw failure("waited 30 s for \(what)", process) }
        }
    }

    private func failure(_ message: String, _ process: DemoProcess?) -> CLIError {
        let logs = process.map { [$0.log] } ?? ["cloud.log", "core.log", "thing.log"]
        let lines = logs.flatMap { log in
            ["last lines of \(log):"] + files.lastLines(of: log).map { "  \($0)" }
        }
        return CLIError(.failure, lines: ["the demo failed: \(message)"] + lines)
    }

    // MARK: The command line, as a user types it

    @discardableResult
    func hedgerow(_ arguments: [String]) async throws -> String {
        screen.command(arguments.map { $0.replacingOccurrences(of: files.path + "/", with: "") })
        let output = try await output(arguments)
        for line in output.split(separator: "\n").filter({ !$0.hasPrefix("Next:") }) {
            screen.note("  \(line)")
        }
        return output
    }

    func object(_ arguments: [String]) async throws -> [String: Any] {
        let output = try await output(arguments)
        return try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any] ?? [:]
    }

    func output(_ arguments: [String]) async throws -> String {
        let result = try await Subprocess.run(
            .path(FilePath("\(Self.binaries)/hedgerow")), arguments: .init(arguments),
            environment: .inherit.updating([
                "HEDGEROW_HOME": files.file("home"), "HEDGEROW_CONTEXT": "", "NO_COLOR": "1",
            ]),
            input: .none,
            output: .string(limit: 64 << 20), error: .string(limit: 1 << 20))
        guard result.terminationStatus.isSuccess else {
            throw CLIError(
                .failure,
                lines: [
                    "the demo failed: hedgerow \(arguments.joined(separator: " "))",
                    "  " + result.standardError.trimmingCharacters(in: .whitespacesAndNewlines),
                ])
        }
        return result.standardOutput
    }
}
