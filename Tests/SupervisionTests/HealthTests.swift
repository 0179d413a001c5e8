import Foundation
import Messaging
import TestSupport
import Testing

@testable import Supervision

@Suite struct HealthTests {
    @Test(arguments: HostKind.allCases)
    func aProgramThatIsNeverHealthyIsAnErrorAndThenBroken(kind: HostKind) async throws {
        try await withBench(kind) { bench in
            var plan = bench.plan("exec sleep 1000")
            plan.health = ProgramHealth(
                command: ProgramHook(["sh", "-c", "exit 4"], timeout: .seconds(30)),
                interval: .milliseconds(50))
            plan.startTimeout = .milliseconds(400)
            let backoff = Backoff(initial: .milliseconds(10))
            try await bench.supervise(plan, backoff: backoff) { supervisor in
                try await eventually("it is broken") { supervisor.status.state == .broken }
                let reason = try #require(supervisor.status.reason)
                #expect(reason.contains("3 times while STARTING"))
                #expect(reason.contains("it was not healthy within 0.4 s"))
                #expect(supervisor.status.starts == 3)
            }
        }
    }

    @Test func aProgramIsRunningOnceItsCommandSaysSo() async throws {
        try await withBench { bench in
            var plan = bench.plan("exec sleep 1000")
            plan.health = ProgramHealth(
                command: ProgramHook(["test", "-e", "well"], timeout: .seconds(30)),
                interval: .milliseconds(50), failures: 2)
            let backoff = Backoff(initial: .milliseconds(10))
            try await bench.supervise(plan, backoff: backoff) { supervisor in
                try await eventually("it was asked") { supervisor.status.isHealthy == false }
                #expect(supervisor.status.state == .starting)
                try Data().write(to: URL(fileURLWithPath: "\(plan.directories.working)/well"))
                try await eventually("it runs") { supervisor.status.state == .running }
                #expect(supervisor.status.isHealthy == true)
                try FileManager.default.removeItem(atPath: "\(plan.directories.working)/well")
                try await eventually("it was started again") { supervisor.status.starts == 2 }
                #expect(supervisor.tail(20).contains { $0.contains("its health check ended with code 1") })
            }
        }
    }

    @Test func aHealthCheckThatHangsIsABadAnswer() async throws {
        let seconds = uniqueSeconds()
        try await withBench { bench in
            var plan = bench.plan("exec sleep 1000")
            plan.health = ProgramHealth(
                command: ProgramHook(["sleep", "\(seconds)"], timeout: .milliseconds(100)),
                interval: .milliseconds(10))
            plan.startTimeout = .seconds(4)
            let backoff = Backoff(initial: .seconds(600))
            try await bench.supervise(plan, backoff: backoff) { supervisor in
                try await eventually("it failed") { supervisor.status.state == .errored }
                #expect(
                    supervisor.status.reason
                        == "it was not healthy within 4 s: its health check did not end within 0.1 s")
                #expect(processes(with: "\(seconds)").isEmpty)
            }
        }
    }

    @Test func aProgramThatReportsIsRunningWithItsFirstReport() async throws {
        try await withBench { bench in
            var plan = bench.plan("exec sleep 1000")
            plan.health = ProgramHealth(command: nil, interval: .milliseconds(200), failures: 2)
            let backoff = Backoff(initial: .milliseconds(10))
            try await bench.supervise(plan, backoff: backoff) { supervisor in
                try await eventually("it is started") { supervisor.status.pid != nil }
                #expect(supervisor.status.state == .starting)
                supervisor.reportHealth(true)
                try await eventually("it runs") { supervisor.status.state == .running }
                // And then it falls silent.
                try await eventually("it was started again") { supervisor.status.starts == 2 }
                #expect(
                    supervisor.tail(20).contains { $0.contains("did not report its health within 0.2 s") })
            }
        }
    }

    @Test func badAnswersCountOnceItWasHealthy() {
        var watch = HealthWatch(
            ProgramHealth(
                command: ProgramHook(["true"], timeout: .seconds(5)), interval: .seconds(30), failures: 3),
            now: .zero)
        #expect(watch.due == .zero)
        watch.begun(.zero)
        #expect(watch.due == .seconds(1))
        #expect(watch.answer("no", now: .seconds(1)) == .unwell("no"))
        #expect(watch.answer("no", now: .seconds(2)) == .unwell("no"))
        #expect(watch.answer("no", now: .seconds(3)) == .unwell("no"))
        #expect(watch.answer(nil, now: .seconds(4)) == .healthy)
        #expect(watch.due == .seconds(34))
        #expect(watch.answer("no", now: .seconds(34)) == .unwell("no"))
        #expect(watch.answer(nil, now: .seconds(64)) == .healthy)
        #expect(watch.answer("a", now: .seconds(94)) == .unwell("a"))
        #expect(watch.answer("b", now: .seconds(124)) == .unwell("b"))
        #expect(watch.answer("c", now: .seconds(154)) == .failed("c"))
    }

    @Test func reportsOfOneMomentAreToldApart() {
        var watch = HealthWatch(ProgramHealth(command: nil, interval: .seconds(10), failures: 1), now: .zero)
        let first = HealthReport(isHealthy: true, reason: nil, at: .seconds(1), number: 1)
        #expect(watch.look(first, now: .seconds(1)) == .healthy)
        #expect(watch.look(first, now: .seconds(2)) == .unchanged)
        let second = HealthReport(isHealthy: false, reason: "dry", at: .seconds(1), number: 2)
        #expect(
            watch.look(second, now: .seconds(2)) == .failed("it reports that it is not healthy: dry"))
    }
}
