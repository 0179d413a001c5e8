import Foundation
import Subprocess

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// The programs that are installed beside this one.
enum LocalPrograms {
    /// How long a program may take for its end before it is killed.
    static let patience = Duration.seconds(10)

    /// The directory of the running program, where the others lie too.
    static var directory: String {
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
            ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: own).deletingLastPathComponent().path
    }

    /// Where a program is.
    static func path(_ name: String) -> String { "\(directory)/\(name)" }

    /// Refuses where one is missing.
    static func require(_ names: [String], in directory: String = directory) throws(CLIError) {
        for name in names where access("\(directory)/\(name)", X_OK) != 0 {
            throw CLIError(
                .failure, "the program \(name) is not in \(directory)",
                hint: "install it beside hedgerow")
        }
    }

    /// Runs `hedgerow` as the user of a home directory, to its end; returns what it wrote.
    ///
    /// - Parameter what: what fails where it fails, for the error.
    static func hedgerow(_ arguments: [String], home: String, what: String) async throws -> String {
        let result = try await Subprocess.run(
            .path(FilePath(path("hedgerow"))), arguments: .init(arguments),
            environment: .inherit.updating([
                "HEDGEROW_HOME": home, "HEDGEROW_CONTEXT": "", "NO_COLOR": "1",
            ]),
            input: .none,
            output: .string(limit: 64 << 20), error: .string(limit: 1 << 20))
        guard result.terminationStatus.isSuccess else {
            throw CLIError(
                .failure,
                lines: [
                    "\(what) failed: hedgerow \(arguments.joined(separator: " "))",
                    "  " + result.standardError.trimmingCharacters(in: .whitespacesAndNewlines),
                ])
        }
        return result.standardOutput
    }

    /// Ends programs in order, the last one first; kills those that take too long.
    static func end(_ processes: [DemoProcess], within patience: Duration = patience) async throws {
        for process in processes.reversed() {
            let deadline = ContinuousClock.now + patience
            // One that was only just started cannot be told before it is there.
            while process.pid == nil, process.ended == nil, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(20))
            }
            process.send(SIGTERM)
            while process.ended == nil, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(20))
            }
            process.send(SIGKILL)
        }
    }
}
