import Foundation
import Subprocess
import TestSupport
import Testing

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// `hedgerow demo` as a user runs it, with shorter waits.
@Suite(.serialized) struct DemoTests {
    private static var program: FilePath {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        // The tests are built beside the programs.
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let beside = URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("hedgerow")
            .path
        return FilePath(
            FileManager.default.isExecutableFile(atPath: beside)
                ? beside : root.appendingPathComponent(".build/debug/hedgerow").path)
    }

    private static func file(_ path: String) throws -> FileDescriptor {
        try .open(
            FilePath(path), .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
    }

    private static func tail(of path: String) -> String {
        String(decoding: (FileManager.default.contents(atPath: path) ?? Data()).suffix(3_000), as: UTF8.self)
    }

    /// Processes whose command line names a path.
    private func processes(naming path: String) -> [String] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.filter { Int($0) != nil }.compactMap { pid in
            guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else { return nil }
            let line = String(decoding: data, as: UTF8.self).replacingOccurrences(of: "\0", with: " ")
            return line.contains(path) && !line.contains(" demo ") ? line : nil
        }
    }

    @Test(.timeLimit(.minutes(3))) func losesNothingAndLeavesNothingBehind() async throws {
        try await withTemporaryDirectory { parent in
            let directory = "\(parent)/demo"
            let result = try await Subprocess.run(
                .path(Self.program),
                arguments: [
                    "demo", "--quick", "--directory", directory, "--summary-json", "\(parent)/summary.json",
                ],
                output: .string(limit: 4 << 20), error: .string(limit: 1 << 20))
            #expect(result.terminationStatus.isSuccess, "\(result.standardOutput)\n\(result.standardError)")
            let data = try Data(contentsOf: URL(fileURLWithPath: "\(parent)/summary.json"))
            let summary = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
            let acknowledged = try #require(summary["acknowledged"] as? Int)
            #expect(acknowledged > 20)
            #expect(summary["lost"] as? Int == 0)
            #expect(summary["duplicates"] as? Int == 0)
            #expect(try #require(summary["stored"] as? Int) >= acknowledged)
            #expect(try #require(summary["corrected"] as? Int) >= acknowledged)
            #expect(summary["wrong"] as? Int == 0)
            let versions = try #require(summary["versions"] as? [String: Int])
            #expect(versions.keys.sorted() == ["1.0.0", "1.1.0"])
            #expect(versions.values.allSatisfy { $0 > 0 })
            #expect(summary["tookOverCleanly"] as? Bool == true)
            #expect(summary["traceComplete"] as? Bool == true)
            #expect(result.standardOutput.contains("core wait  (stream default)"))
            #expect(result.standardOutput.contains("The thing acted on it"))
            #expect(result.standardOutput.contains("The new version took over between two readings"))
            #expect(!FileManager.default.fileExists(atPath: directory))
            #expect(processes(naming: directory).isEmpty)
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: [SIGINT, SIGTERM, SIGKILL])
    func endsItsProcessesWhenItIsEnded(signal: Int32) async throws {
        try await withTemporaryDirectory { parent in
            let directory = "\(parent)/demo"
            let (output, errors) = ("\(parent)/demo.out", "\(parent)/demo.err")
            let result = try await Subprocess.run(
                .path(Self.program), arguments: ["demo", "--directory", directory], input: .none,
                output: .fileDescriptor(try Self.file(output), closeAfterSpawningProcess: true),
                error: .fileDescriptor(try Self.file(errors), closeAfterSpawningProcess: true)
            ) { execution in
                // All three run, and readings flow.
                try await eventually(
                    "three processes and a first acknowledgement", within: .seconds(60),
                    holds: {
                        processes(naming: directory).count >= 3
                            && FileManager.default.fileExists(atPath: "\(directory)/acknowledged.log")
                    })
                kill(execution.processIdentifier.value, signal)
            }
            try await eventually(
                "the end of its processes", within: .seconds(20),
                holds: { processes(naming: directory).isEmpty })
            // Who is killed cannot clean up; who is asked to end does.
            if signal != SIGKILL {
                let left = (try? FileManager.default.subpathsOfDirectory(atPath: directory)) ?? []
                #expect(
                    !FileManager.default.fileExists(atPath: directory),
                    """
                    the demo ended with \(result.terminationStatus) and left \(left.sorted())
                    \(Self.tail(of: errors))
                    \(Self.tail(of: output))
                    """)
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func refusesADirectoryThatExists() async throws {
        try await withTemporaryDirectory { parent in
            let result = try await Subprocess.run(
                .path(Self.program), arguments: ["demo", "--directory", parent], output: .discarded,
                error: .string(limit: 1 << 16))
            #expect(result.terminationStatus == .exited(2))
            #expect(result.standardError.contains("exists already"))
        }
    }
}
