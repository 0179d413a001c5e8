import Foundation
import Messaging
import TestSupport
import Testing

@testable import Supervision

/// A core that is killed leaves nothing that runs.
@Suite struct OrphanTests {
    /// A program with a child, and with one that left its session and was left by its parent.
    private func script(_ seconds: Int) -> String {
        "(setsid sleep \(seconds) &) ; sleep \(seconds) & exec sleep \(seconds)"
    }

    /// A core of its own that runs a program; returns when the program has begun what it begins.
    private func core(_ kind: HostKind, _ directory: String, _ seconds: Int) async throws -> Process {
        let process = Process()
        let binaries = try #require(Bundle.main.executableURL?.deletingLastPathComponent())
        process.executableURL = binaries.appendingPathComponent("supervision-probe")
        process.arguments = [
            directory, try kind.searchPath(in: directory), kind == .plain ? "no" : "yes", script(seconds),
        ]
        process.standardError = FileHandle.nullDevice
        try process.run()
        try await eventually("its program has begun all") { processes(with: "sleep\0\(seconds)").count == 3 }
        try await eventually("its keeper runs") { !keepers(of: process).isEmpty }
        return process
    }

    private func keepers(of core: Process) -> [Int32] {
        processes(with: "hedgerow-keeper").filter {
            ProcessTable.entry(of: $0)?.parent == core.processIdentifier
        }
    }

    @Test(arguments: HostKind.allCases)
    func aCoreThatIsKilledLeavesNothing(kind: HostKind) async throws {
        let seconds = uniqueSeconds()
        try await withTemporaryDirectory { directory in
            let core = try await core(kind, directory, seconds)
            let keepers = keepers(of: core)
            kill(core.processIdentifier, SIGKILL)
            try await eventually("nothing is left") { processes(with: "sleep\0\(seconds)").isEmpty }
            try await eventually("nor the keeper") {
                keepers.allSatisfy { ProcessTable.entry(of: $0) == nil }
            }
            let record = ProcFile.text("\(directory)/programs/run")?.split(separator: " ") ?? []
            if record.count > 2 { #expect(!ProcFile.exists(String(record[2])), "its control group") }
        }
    }

    /// Where the keeper is killed, too, the next core finds what is left.
    @Test(arguments: HostKind.allCases)
    func theNextCoreEndsWhatIsLeft(kind: HostKind) async throws {
        let seconds = uniqueSeconds()
        try await withTemporaryDirectory { directory in
            let core = try await core(kind, directory, seconds)
            // Stopped, it cannot start another one in between.
            kill(core.processIdentifier, SIGSTOP)
            for keeper in keepers(of: core) { kill(keeper, SIGKILL) }
            kill(core.processIdentifier, SIGKILL)
            core.waitUntilExit()
            if kind == .plain { #expect(processes(with: "sleep\0\(seconds)").count == 3) }
            let records = ProgramRecords(directory: "\(directory)/programs")
            _ = try await records.endLeftovers()
            #expect(processes(with: "sleep\0\(seconds)").isEmpty)
        }
    }

    @Test func aKeeperThatIsEndedIsStartedAgain() async throws {
        try await withBench(.plain) { bench in
            let mark = ProgramMarker.prefix(run: bench.host.identity)
            let first = try await eventually("it runs") { processes(with: mark).first }
            kill(first, SIGKILL)
            try await eventually("another one runs") {
                processes(with: mark).contains { $0 != first && ProcessTable.entry(of: $0) != nil }
            }
        }
    }

    @Test func aNumberThatIsAnothersNowIsLeftAlone() async throws {
        try await withTemporaryDirectory { directory in
            let other = Process()
            other.executableURL = URL(fileURLWithPath: "/bin/sleep")
            other.arguments = ["\(uniqueSeconds())"]
            try other.run()
            defer { kill(other.processIdentifier, SIGKILL) }
            let records = ProgramRecords(directory: "\(directory)/programs")
            _ = try await records.endLeftovers()
            try await records.begin(run: "0123456789abcdef", cgroup: nil)
            try Data("\(other.processIdentifier) 1".utf8)
                .write(to: URL(fileURLWithPath: "\(directory)/programs/probe.pid"))
            #expect(try await records.endLeftovers() == 0)
            #expect(ProcessTable.entry(of: other.processIdentifier) != nil)
            // And the same number with its own beginning is ended.
            await records.started("probe", pid: other.processIdentifier)
            #expect(try await records.endLeftovers() == 1)
        }
    }
}
