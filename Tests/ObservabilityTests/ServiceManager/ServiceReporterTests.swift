import Foundation
import Logging
import Synchronization
import Testing

@testable import Observability
@testable import TestSupport

@Suite("Service reporter")
struct ServiceReporterTests {
    /// A part of an engine that a test stops, lets fail and lets go on.
    private final class Part: Sendable {
        enum Mode { case answers, fails, isSilent, doesNotAnswer }

        struct DiskFull: Error {}

        private let mode = Mutex(Mode.answers)
        private let count = Mutex(0)

        /// How often it was asked.
        var rounds: Int { count.withLock { $0 } }

        func set(_ new: Mode) { mode.withLock { $0 = new } }

        func check() async throws {
            count.withLock { $0 += 1 }
            switch mode.withLock({ $0 }) {
            case .answers: return
            case .fails: throw DiskFull()
            case .doesNotAnswer: throw ProofOfLife.NoAnswer()
            case .isSilent:
                while mode.withLock({ $0 == .isSilent }) { try await Task.sleep(for: .milliseconds(5)) }
            }
        }
    }

    /// Runs a reporter of an engine of one part, with a watchdog of 2 s.
    private func report(
        ready: @escaping @Sendable () async throws -> Void = {},
        _ body: (NotifySocket, Part) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let socket = try NotifySocket(directory + "/notify")
            let part = Part()
            let program = ReportedProgram(
                ready: ready, status: { "Works." },
                proofs: { [ProofOfLife("the engine") { try await part.check() }] })
            let reporter = ServiceReporter(
                manager: ServiceManager(
                    environment: ["NOTIFY_SOCKET": socket.address, "WATCHDOG_USEC": "2000000"]),
                program: program, clock: ContinuousClock(),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await reporter.run() }
                try await body(socket, part)
                part.set(.answers)
                group.cancelAll()
                try await group.waitForAll()
            }
        }
    }

    private let hang = "STATUS=Does not answer: the engine has been silent for more than 0.75 seconds."

    @Test("says that the program is ready when it is, and not before") func readiness() async throws {
        let gate = Mutex(false)
        let ready: @Sendable () async throws -> Void = {
            while !gate.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(5)) }
        }
        try await report(ready: ready) { socket, _ in
            try await eventually("signs of life come") { socket.lines.count { $0 == "WATCHDOG=1" } >= 2 }
            #expect(!socket.lines.contains("READY=1"))
            gate.withLock { $0 = true }
            try await eventually("it is ready") { socket.lines.contains("READY=1") }
            #expect(socket.lines.contains("STATUS=Works."))
        }
    }

    @Test("gives no sign of life while the engine is silent, and gives them again afterwards")
    func silence() async throws {
        try await report { socket, part in
            try await eventually("signs of life come") { socket.lines.contains("WATCHDOG=1") }
            part.set(.isSilent)
            try await eventually("the silence is said") { socket.lines.contains(hang) }
            let before = socket.lines.count
            part.set(.answers)
            try await eventually("signs of life come again") {
                socket.lines(after: before).contains("WATCHDOG=1")
            }
            let lines = socket.lines
            let said = try #require(lines.firstIndex(of: hang))
            #expect(lines[said...].contains("STATUS=Works."), "the status is the program's again")
        }
    }

    @Test("takes an error that comes in time for a sign of life, and a missing answer for none")
    func errors() async throws {
        try await report { socket, part in
            part.set(.fails)
            let before = socket.lines.count
            try await eventually("signs of life go on") {
                socket.lines(after: before).count { $0 == "WATCHDOG=1" } >= 3
            }
            #expect(!socket.lines.contains(hang))
            part.set(.doesNotAnswer)
            try await eventually("the silence is said") { socket.lines.contains(hang) }
            let rounds = part.rounds
            try await eventually("rounds go on") { part.rounds >= rounds + 3 }
            let lines = socket.lines
            let said = try #require(lines.firstIndex(of: hang))
            #expect(!lines[said...].contains("WATCHDOG=1"), "none of them gives a sign of life")
        }
    }
}
