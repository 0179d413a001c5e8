import Foundation
import Subprocess
import Synchronization
import TestSupport
import Testing

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// `hedgerow dev` as a user runs it: files are saved, and what runs follows them.
@Suite(.serialized) struct DevTests {
    private static var program: FilePath {
        // The tests are built beside the programs.
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let beside = URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("hedgerow")
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return FilePath(
            FileManager.default.isExecutableFile(atPath: beside.path)
                ? beside.path : root.appendingPathComponent(".build/debug/hedgerow").path)
    }

    /// A directory with a group, and `hedgerow dev` on it.
    private struct Bench {
        let path: String
        /// In the command line of every program that the component starts.
        var mark: String { "mark-" + URL(fileURLWithPath: path).lastPathComponent }

        func write(_ name: String, _ text: String) throws {
            let url = URL(fileURLWithPath: "\(path)/\(name)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            // As most editors save: another file in its place.
            try Data(text.utf8).write(to: url, options: .atomic)
        }

        func text(_ name: String) -> String {
            String(decoding: FileManager.default.contents(atPath: "\(path)/\(name)") ?? Data(), as: UTF8.self)
        }

        var output: String { text("dev.out") }
        var errors: String { text("dev.err") }

        func writeGroup(things: String = "press-1") throws {
            try write(
                "group.yaml",
                """
                kind: Group
                name: hall
                cores: [pi-1, pi-2]
                things: [\(things)]
                components:
                  - {name: greeter, version: ^1.0}
                  - {name: fails, version: ^1.0}
                subscriptions:
                  - {from: thing:press-1, topic: press-1/readings, to: cloud}
                  - {from: thing:press-1, topic: press-1/readings, to: component:fails}
                  - {from: component:fails, topic: never, to: cloud}
                  - {from: component:fails, topic: $dead-letter/fails, to: cloud}
                  - {from: component:greeter, topic: greetings, to: cloud}

                """)
            try write(
                "fails.yaml",
                """
                kind: Component
                name: fails
                version: 1.0.0
                transform:
                  - set: {never: reading.no_such_field}
                  - publish: never
                """)
        }

        func writeRecipe(_ more: String = "") throws {
            // Neither digest nor size are those of the file, and need not be.
            try write(
                "greeter/recipe.yaml",
                """
                kind: Component
                name: greeter
                version: 1.0.0
                process:
                  run: [sh, main.sh, \(mark)]
                  settle: 1s
                artifacts:
                  - {name: main.sh, sha256: \(String(repeating: "0", count: 64)), size: 1}
                \(more)
                """)
        }

        func writeProgram(_ word: String) throws {
            try write(
                "greeter/main.sh",
                "n=0; while :; do n=$((n + 1)); echo \"\(word) $n\"; sleep 0.2; done\n")
        }

        /// Runs `hedgerow dev` until the body returns; ends it with a signal.
        func run(ending signal: Int32, _ body: () async throws -> Void) async throws -> TerminationStatus {
            func file(_ name: String) throws -> FileDescriptor {
                try .open(
                    FilePath("\(path)/\(name)"), .writeOnly, options: [.create, .truncate],
                    permissions: .ownerReadWrite)
            }
            return try await Subprocess.run(
                .path(DevTests.program), arguments: ["dev", "--group", "\(path)/group.yaml"], input: .none,
                output: .fileDescriptor(try file("dev.out"), closeAfterSpawningProcess: true),
                error: .fileDescriptor(try file("dev.err"), closeAfterSpawningProcess: true)
            ) { execution in
                let failure: (any Error)?
                do {
                    try await body()
                    failure = nil
                } catch {
                    failure = DidNotHappen(
                        description: "\(error)\n\(errors.suffix(3_000))\n\(output.suffix(3_000))")
                }
                kill(execution.processIdentifier.value, signal)
                if let failure { throw failure }
            }.terminationStatus
        }

        /// Processes of this directory, `hedgerow dev` itself left out.
        var processes: [String] {
            let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return entries.filter { Int($0) != nil }.compactMap { pid in
                guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else {
                    return nil
                }
                let line = String(decoding: data, as: UTF8.self).replacingOccurrences(of: "\0", with: " ")
                return (line.contains(path) || line.contains(mark)) && !line.contains(" dev --group ")
                    ? line : nil
            }
        }
    }

    @Test(.timeLimit(.minutes(5))) func appliesWhatIsSavedAndLeavesNothingRunning() async throws {
        try await withTemporaryDirectory { path in
            let bench = Bench(path: path)
            try bench.writeGroup()
            try bench.writeRecipe()
            try bench.writeProgram("first")
            let ended = try await bench.run(ending: SIGINT) {
                try await until("output of the component") { bench.output.contains("[greeter] first 1\n") }
                try await until("its state") { bench.errors.contains("greeter is RUNNING") }
                #expect(bench.errors.contains("started fails, greeter"))
                #expect(bench.processes.count >= 3)
                try await publishOne(bench, "press-1")
                try await until("the message") { bench.output.contains("  press-1  press-1/readings  ") }
                try await until("the dead letter") {
                    bench.output.contains("dead letter  ") && bench.output.contains("$dead-letter/fails")
                }

                // The program alone is saved.
                try bench.writeProgram("second")
                try await until("output of the new program") { bench.output.contains("[greeter] second 1\n") }
                try await until("what was done") {
                    bench.errors.contains(/applied revision 1 in [0-9.]+ s: restarted greeter\n/)
                }

                // A mistake: what ran goes on.
                try bench.writeRecipe("wrong: 1")
                try await until("the mistake") {
                    bench.errors.contains("\(path)/greeter/recipe.yaml:9:1: ")
                        && bench.errors.contains("not applied; what ran goes on")
                }
                let lines = bench.output.count
                try await until("more lines of what ran") { bench.output.count > lines + 100 }
                #expect(bench.output.ranges(of: "[greeter] second 1\n").count == 1)

                // Corrected, with another thing in the group: nobody restarts.
                try bench.writeRecipe()
                try bench.writeGroup(things: "press-1, press-2")
                try await until("the next revision") {
                    bench.errors.contains(/applied revision 2 in [0-9.]+ s: no component restarted\n/)
                }
                try await until("the new thing's token") {
                    FileManager.default.fileExists(atPath: "\(path)/.hedgerow-dev/press-2.token")
                }
                #expect(bench.output.ranges(of: "[greeter] second 1\n").count == 1)
            }
            #expect(ended.isSuccess, "\(ended)\n\(bench.errors)")
            try await eventually("the end of all processes", holds: { bench.processes.isEmpty })

            // The next time it goes on with what is there.
            let again = try await bench.run(ending: SIGTERM) {
                try await until("output of the component") { bench.output.contains("[greeter] second 1\n") }
                try await publishOne(bench, "press-1")
                try await until("the message") { bench.output.contains("  press-1  press-1/readings  ") }
            }
            #expect(again.isSuccess, "\(again)\n\(bench.errors)")
            try await eventually("the end of all processes", holds: { bench.processes.isEmpty })
        }
    }

    /// A program that never stays up: it is said, and what ran before runs again.
    @Test(.timeLimit(.minutes(5))) func goesBackWhereANewProgramFails() async throws {
        try await withTemporaryDirectory { path in
            let bench = Bench(path: path)
            try bench.writeGroup()
            try bench.writeRecipe()
            try bench.writeProgram("first")
            let ended = try await bench.run(ending: SIGINT) {
                try await until("the first revision") { bench.errors.contains("applied revision 1 in") }
                try await until("output of the component") { bench.output.contains("[greeter] first 1\n") }
                // It has settled after a second; only then is there something to go back to.
                try await until("some output") { bench.output.contains("[greeter] first 20\n") }
                try bench.write("greeter/main.sh", "echo this is wrong; exit 3\n")
                try await until("the error") {
                    bench.output.contains("[greeter] this is wrong\n")
                        && bench.errors.contains("greeter is ERRORED: ")
                }
                try await until("the way back", within: .seconds(120)) {
                    bench.errors.contains("failed; the one before runs again: ")
                        && bench.output.ranges(of: "[greeter] first 1\n").count >= 2
                }
            }
            #expect(ended.isSuccess, "\(ended)\n\(bench.errors)")
            try await eventually("the end of all processes", holds: { bench.processes.isEmpty })
        }
    }

    @Test(.timeLimit(.minutes(2))) func nothingOutlivesItsViolentEnd() async throws {
        try await withTemporaryDirectory { path in
            let bench = Bench(path: path)
            try bench.writeGroup()
            try bench.writeRecipe()
            try bench.writeProgram("first")
            _ = try await bench.run(ending: SIGKILL) {
                try await until("output of the component") { bench.output.contains("[greeter] first 1\n") }
            }
            try await eventually("the end of all processes", holds: { bench.processes.isEmpty })
        }
    }

    private func until(
        _ what: String, within: Duration = .seconds(60), _ condition: () -> Bool
    ) async throws {
        try await eventually(what, within: within, holds: { condition() })
    }

    /// A thing of the group enrols with the token that is there, and publishes one reading.
    private func publishOne(_ bench: Bench, _ thing: String) async throws {
        let state = "\(bench.path)/.hedgerow-dev"
        try await until("the thing's token") {
            FileManager.default.fileExists(atPath: "\(state)/\(thing).token")
        }
        let result = try await Subprocess.run(
            .path(Self.program),
            arguments: [
                "thing", "run", "--token", "\(state)/\(thing).token", "--state", "\(state)/things/\(thing)",
                "--sensor", "simulated", "--count", "1",
            ], output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        #expect(result.terminationStatus.isSuccess, "\(result.standardOutput)\n\(result.standardError)")
    }
}
