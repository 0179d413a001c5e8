import Foundation

extension Demo {
    static var binaries: String { LocalPrograms.directory }

    func program(
        _ name: String, _ executable: String, _ arguments: [String], _ environment: [String: String]
    ) -> DemoProcess {
        DemoProcess(
            name: name, executable: "\(Self.binaries)/\(executable)", arguments: arguments,
            environment: environment, log: "\(name).log",
            files: files, isKept: keep)
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
        try await LocalPrograms.hedgerow(arguments, home: files.file("home"), what: "the demo")
    }
}
