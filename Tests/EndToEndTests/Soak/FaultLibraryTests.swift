import Foundation
import Subprocess
import TestSupport
import Testing

/// The faults that are preloaded into the programs of the soak do what they say.
@Suite struct FaultLibraryTests {
    private func output(_ program: String, _ arguments: [String], _ control: FaultControl) async throws -> (
        text: String, isSuccess: Bool
    ) {
        var changes: [Subprocess.Environment.Key: String?] = [:]
        for (name, value) in control.environment { changes[.init(stringLiteral: name)] = value }
        let result = try await Subprocess.run(
            .name(program), arguments: .init(arguments), environment: .inherit.updating(changes),
            input: .none,
            output: .string(limit: 1 << 16), error: .discarded)
        return (
            result.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines),
            result.terminationStatus.isSuccess
        )
    }

    @Test("the wall clock is wrong by the offset, in both directions", arguments: [-7_200, 0, 10_800])
    func offsets(seconds: Int) async throws {
        try await withTemporaryDirectory { directory in
            let control = try await FaultLibrary(compilingIn: directory).control("clock")
            try control.setClockOffset(.seconds(seconds))
            let before = Date().timeIntervalSince1970.rounded(.down)
            let shown = try #require(Double(try await output("date", ["+%s"], control).text))
            let after = Date().timeIntervalSince1970
            #expect((before...after).contains(shown - Double(seconds)))
            #expect(try control.clockOffset == .seconds(seconds))
        }
    }

    @Test("syncs fail while they are to, are counted, and succeed again") func syncs() async throws {
        try await withTemporaryDirectory { directory in
            let control = try await FaultLibrary(compilingIn: directory).control("disk")
            let file = "\(directory)/file"
            try Data("x".utf8).write(to: URL(fileURLWithPath: file))
            // `sync FILE` is fsync, `sync --data FILE` is fdatasync.
            for arguments in [[file], ["--data", file]] {
                let (passed, failed) = (try control.passedSyncs, try control.failedSyncs)
                #expect(try await output("sync", arguments, control).isSuccess)
                try control.setFailingSyncs(true)
                #expect(try await !output("sync", arguments, control).isSuccess)
                try control.setFailingSyncs(false)
                #expect(try await output("sync", arguments, control).isSuccess)
                #expect(try control.failedSyncs == failed + 1)
                #expect(try control.passedSyncs == passed + 2)
            }
        }
    }
}
