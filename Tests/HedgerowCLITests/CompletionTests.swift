import Foundation
import TestSupport
import Testing

@testable import HedgerowCLI

@Suite("Shell completion", .timeLimit(.minutes(2)))
struct CompletionTests {
    static let hasBash = FileManager.default.isExecutableFile(atPath: "/bin/bash")

    /// The folder of the programs that were built with the tests.
    static var programs: String {
        (Bundle.main.executableURL?.deletingLastPathComponent() ?? URL(fileURLWithPath: ".build/debug")).path
    }

    func script(_ shell: String) async -> String {
        let captured = CommandIO.captured()
        #expect(await captured.run("completion", shell) == 0, "\(captured.error)")
        return captured.output
    }

    /// Runs a script with bash; returns what it printed.
    func bash(_ arguments: [String], input: String = "", environment: [String: String] = [:]) throws -> (
        status: Int32, output: String
    ) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = arguments
        process.environment =
            ["PATH": "\(Self.programs):/usr/bin:/bin", "HOME": "/nonexistent"].merging(environment) { $1 }
        let (stdin, stdout) = (Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        process.standardError = stdout
        try process.run()
        try stdin.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try stdin.fileHandleForWriting.close()
        let output = try stdout.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    /// What bash offers for a line whose last word is being typed.
    func complete(_ words: String..., environment: [String: String] = [:]) async throws -> [String] {
        try await withTemporaryDirectory { directory in
            let file = "\(directory)/hedgerow.bash"
            try await script("bash").write(toFile: file, atomically: true, encoding: .utf8)
            let quoted = words.map { "'\($0)'" }.joined(separator: " ")
            let driver = """
                set -e
                source "\(file)"
                spec=$(complete -p hedgerow)
                [[ "$spec" =~ -F\\ ([^ ]+) ]]
                COMP_WORDS=(\(quoted))
                COMP_CWORD=\(words.count - 1)
                COMP_LINE="\(words.joined(separator: " "))"
                COMP_POINT=${#COMP_LINE}
                COMPREPLY=()
                "${BASH_REMATCH[1]}" hedgerow '\(words.last ?? "")' '\(words.dropLast().last ?? "")' || true
                printf '%s\\n' "${COMPREPLY[@]}"
                """
            let result = try bash(["-c", driver], environment: environment)
            #expect(result.status == 0, "\(result.output)")
            return result.output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }

    @Test("has a script for each shell, and refuses others")
    func scripts() async {
        #expect(await script("bash").contains("complete -o filenames -F"))
        #expect(await script("zsh").hasPrefix("#compdef hedgerow"))
        #expect(await script("fish").contains("complete -c 'hedgerow'"))
        #expect(await CommandIO.captured().run("completion", "tcsh") == 2)
    }

    @Test("is accepted by bash", .enabled(if: CompletionTests.hasBash))
    func syntax() async throws {
        let result = try bash(["-n", "/dev/stdin"], input: await script("bash"))
        #expect(result.status == 0)
        #expect(result.output.isEmpty)
    }

    @Test("completes commands, options, values and contexts in bash", .enabled(if: CompletionTests.hasBash))
    func words() async throws {
        #expect(try await complete("hedgerow", "thi").sorted() == ["thing", "things"])
        #expect(try await complete("hedgerow", "things", "cr") == ["create"])
        #expect(try await complete("hedgerow", "things", "create", "--att") == ["--attribute"])
        #expect(try await complete("hedgerow", "revoke", "--role", "op") == ["operator"])
    }

    @Test(
        "completes the names of contexts from the home directory", .enabled(if: CompletionTests.hasBash))
    func contexts() async throws {
        try await withTemporaryDirectory { home in
            for name in ["factory", "farm"] {
                let folder = "\(home)/contexts/\(name)"
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                try Data().write(to: URL(fileURLWithPath: folder + "/identity.json"))
            }
            let environment = ["HEDGEROW_HOME": home]
            let used = try await complete("hedgerow", "context", "use", "fa", environment: environment)
            #expect(used.sorted() == ["factory", "farm"])
            let option = try await complete(
                "hedgerow", "things", "list", "--context", "fac", environment: environment)
            #expect(option == ["factory"])
        }
    }
}
