import Foundation
import Messaging
import TestSupport
import Testing

@testable import Supervision

@Suite struct HookTests {
    @Test func installRunsOncePerKey() async throws {
        try await withBench { bench in
            var plan = bench.plan("exec sleep 1000")
            plan.install = ProgramHook(["sh", "-c", "echo done >> installed"], timeout: .seconds(30))
            plan.installKey = "one"
            for _ in 0..<2 {
                try await bench.supervise(plan) { supervisor in
                    try await eventually("it runs") { supervisor.status.state == .running }
                }
            }
            #expect(bench.text("installed") == "done\n")
            plan.installKey = "two"
            try await bench.supervise(plan) { supervisor in
                try await eventually("it runs") { supervisor.status.state == .running }
            }
            #expect(bench.text("installed") == "done\ndone\n")
            // A directory that is gone is prepared anew.
            try FileManager.default.removeItem(atPath: plan.directories.working)
            try await bench.supervise(plan) { supervisor in
                try await eventually("it runs") { supervisor.status.state == .running }
            }
            #expect(bench.text("installed") == "done\n")
        }
    }

    @Test func aFailedInstallIsNotRecordedAndBreaksAfterThree() async throws {
        let step = StepClock()
        try await withBench { bench in
            var plan = bench.plan("exec sleep 1000")
            plan.install = ProgramHook(["sh", "-c", "echo try >> tries; exit 7"], timeout: .seconds(30))
            plan.installKey = "one"
            try await bench.supervise(plan, clock: step.clock) { supervisor in
                try await eventually("it is broken") { supervisor.status.state == .broken }
                #expect(supervisor.status.reason?.contains("while NEW") == true)
                #expect(supervisor.status.reason?.contains("`install` ended with code 7") == true)
                #expect(supervisor.status.starts == 0)
            }
            #expect(bench.text("tries") == "try\ntry\ntry\n")
        }
    }

    @Test(arguments: HostKind.allCases)
    func aHookThatTakesTooLongIsAnErrorWithItsNameAndTime(kind: HostKind) async throws {
        let seconds = uniqueSeconds()
        try await withBench(kind) { bench in
            var plan = bench.plan("exec sleep 1000")
            plan.install = ProgramHook(["sleep", "\(seconds)"], timeout: .milliseconds(300))
            try await bench.supervise(plan, backoff: Backoff(initial: .seconds(600))) { supervisor in
                try await eventually("it failed") { supervisor.status.state == .errored }
                #expect(supervisor.status.reason == "`install` did not end within 0.3 s")
                #expect(supervisor.status.nextStart != nil)
                #expect(processes(with: "\(seconds)").isEmpty)
            }
        }
    }

    @Test func recoverRunsBeforeANewStartAfterAnError() async throws {
        let step = StepClock()
        try await withBench { bench in
            var plan = bench.plan(
                "echo run >> order; test -e mended || exit 1; exec sleep 1000")
            plan.recover = ProgramHook(
                ["sh", "-c", "echo recover >> order; touch mended"], timeout: .seconds(30))
            try await bench.supervise(plan, clock: step.clock) { supervisor in
                try await eventually("it runs again") {
                    supervisor.status.restarts == 1 && supervisor.status.state == .running
                }
                try await eventually("the order is written") {
                    bench.text("order") == "run\nrecover\nrun\n"
                }
            }
        }
    }

    @Test func aCommandThatDoesNotExistIsSaidSo() async throws {
        try await withBench { bench in
            var plan = bench.plan("")
            plan.run = ["/nonexistent/program"]
            try await bench.supervise(plan, backoff: Backoff(initial: .seconds(600))) { supervisor in
                try await eventually("it failed") { supervisor.status.state == .errored }
                #expect(supervisor.status.reason?.contains("was not found") == true)
            }
        }
    }

    @Test func theEnvironmentIsThePlansAlone() async throws {
        setenv("HEDGEROW_TEST_SECRET", "secret", 1)
        try await withBench(.groups) { bench in
            var plan = bench.plan("env > environment; exec sleep 1000")
            plan.environment = ["LEVEL": "high", "LD_EXAMPLE": "late"]
            try await bench.supervise(plan) { _ in
                let text = try await eventually("it wrote its environment") {
                    bench.text("environment").flatMap { $0.contains("LD_EXAMPLE") ? $0 : nil }
                }
                let lines = Set(text.split(separator: "\n").map(String.init))
                #expect(lines.contains("LEVEL=high"))
                #expect(lines.contains("LD_EXAMPLE=late"))
                #expect(lines.contains("HOME=\(plan.directories.data)"))
                #expect(lines.contains { $0.hasPrefix("HEDGEROW_INSTANCE_ID=") })
                #expect(!text.contains("secret"))
            }
        }
    }

    @Test func aPlanThatMakesNoSenseIsRefused() async throws {
        try await withBench { bench in
            var plan = bench.plan("true")
            plan.startup = ProgramHook(["true"], timeout: .seconds(1))
            #expect(bench.host.refusal(of: plan)?.contains("exactly one of run and startup") == true)
            var relative = bench.plan("true")
            relative.grants.read = ["data"]
            #expect(bench.host.refusal(of: relative)?.contains("no absolute path") == true)
            #expect(bench.host.refusal(of: bench.plan("true", name: "../x")) != nil)
            #expect(bench.host.refusal(of: bench.plan("true")) == nil)
        }
    }
}
