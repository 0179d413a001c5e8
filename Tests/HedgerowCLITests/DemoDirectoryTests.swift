import Foundation
import TestSupport
import Testing

@testable import HedgerowCLI

@Suite struct DemoDirectoryTests {
    @Test("the directory goes although files come and go in it while it is deleted")
    func goesWhileFilesCome() async throws {
        try await withTemporaryDirectory { parent in
            let files = try DemoDirectory(path: "\(parent)/demo", isKept: false)
            for number in 0..<200 { try files.write("x", to: "\(number).log") }
            let isGone = try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    for number in 0..<5_000 {
                        // Fails where the directory is gone.
                        try? files.write("x", to: "late-\(number)")
                        if number.isMultiple(of: 2) {
                            try? FileManager.default.removeItem(atPath: files.file("late-\(number)"))
                        }
                        await Task.yield()
                    }
                }
                let isGone = await files.remove(within: .seconds(30))
                try await tasks.waitForAll()
                return isGone
            }
            #expect(isGone)
            #expect(!FileManager.default.fileExists(atPath: files.path))
        }
    }

    @Test("a directory that is gone already is no error")
    func isGoneAlready() async throws {
        try await withTemporaryDirectory { parent in
            let files = try DemoDirectory(path: "\(parent)/demo", isKept: false)
            let captured = CommandIO.captured()
            #expect(await files.remove(io: captured.io))
            #expect(await files.remove(io: captured.io))
            #expect(captured.error.isEmpty)
        }
    }
}
