import Foundation
import TestSupport
import Testing

@testable import HedgerowCLI

/// Options of `hedgerow dev`, and the directory that it keeps.
@Suite struct DevCommandTests {
    @Test("wrong options are refused with exit code 2")
    func options() async {
        for (arguments, part) in [
            (["dev"], "--group"), (["dev", "--group", "-"], "on disk"),
            (["dev", "--group", "g.yaml", "--recipe", "./g.yaml"], "is named twice"),
            (["dev", "--group", "g.yaml", "--recipe", "a", "--recipe", "a"], "is named twice"),
        ] {
            let captured = CommandIO.captured()
            let code = await CommandIO.$current.withValue(captured.io) {
                await HedgerowProgram.run(arguments)
            }
            #expect(code == 2, "\(arguments)")
            #expect(captured.error.contains(part), "\(captured.error)")
        }
    }

    @Test("programs that are not there are named, and where")
    func programs() async throws {
        try await withTemporaryDirectory { path in
            do {
                try LocalPrograms.require(["hedgerow-cloud"], in: path)
                Issue.record("it is not there")
            } catch {
                #expect(
                    "\(error)"
                        == "the program hedgerow-cloud is not in \(path); install it beside hedgerow")
            }
        }
    }

    @Test("the directory stays, is locked, and belongs to one core")
    func state() async throws {
        try await withTemporaryDirectory { parent in
            let path = "\(parent)/dev"
            do {
                let first = try DevState(path: path, isFresh: false)
                #expect(first.noted == nil)
                #expect {
                    try DevState(path: path, isFresh: true)
                } throws: { "\($0)".contains("in use by another hedgerow dev") }
                try first.take(group: "g", core: "pi-1")
                try first.take(mtls: 1_001, enrollment: 1_002)
                try first.files.write("x", to: "cloud")
            }
            do {
                let second = try DevState(path: path, isFresh: false)
                #expect(second.noted?.mtls == 1_001)
                #expect(second.files.text("cloud") == "x")
                #expect(second.files.text(".gitignore") == "*\n")
                try second.take(group: "other", core: "pi-1")
                #expect {
                    try second.take(group: "g", core: "pi-2")
                } throws: { "\($0)".contains("belongs to the core \"pi-1\"") && "\($0)".contains("--fresh") }
            }
            let third = try DevState(path: path, isFresh: true)
            #expect(third.noted == nil)
            #expect(third.files.text("cloud").isEmpty)
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o700)
        }
    }

    @Test(
        "a directory that somebody else filled is not touched, with --fresh neither",
        arguments: [true, false])
    func foreign(isFresh: Bool) async throws {
        try await withTemporaryDirectory { path in
            try Data("mine".utf8).write(to: URL(fileURLWithPath: "\(path)/file"))
            #expect {
                try DevState(path: path, isFresh: isFresh)
            } throws: { "\($0)".contains("was not made by hedgerow dev") }
            #expect(FileManager.default.fileExists(atPath: "\(path)/file"))
        }
    }
}
