import Foundation
import Messaging
import TestSupport
import Testing

@testable import Supervision

@Suite struct LifeTests {
    @Test(arguments: HostKind.allCases)
    func aProgramRunsUntilItsSupervisorIsCancelled(kind: HostKind) async throws {
        let seconds = uniqueSeconds()
        try await withBench(kind) { bench in
            try await bench.supervise(bench.plan("echo hello; exec sleep \(seconds)")) { supervisor in
                try await eventually("it runs") { supervisor.status.state == .running }
                try await eventually("it sleeps") { !processes(with: "\(seconds)").isEmpty }
                try await eventually("its line is in the log") { supervisor.tail(10).contains("hello") }
                #expect(supervisor.status.starts == 1)
                #expect(supervisor.status.restarts == 0)
            }
            #expect(processes(with: "\(seconds)").isEmpty)
            let log = try String(contentsOfFile: "\(bench.directory)/log/probe.log", encoding: .utf8)
            #expect(log.contains("Z hello\n"))
        }
    }

    @Test func aProgramThatEndsWithZeroIsFinished() async throws {
        try await withBench { bench in
            try await bench.supervise(bench.plan("exit 0")) { supervisor in
                try await eventually("it is finished") { supervisor.status.state == .finished }
                #expect(supervisor.status.exit == .code(0))
                supervisor.restart()
                try await eventually("it ran again") {
                    supervisor.status.starts == 2 && supervisor.status.state == .finished
                }
                #expect(supervisor.status.restarts == 1)
            }
        }
    }

    @Test(arguments: HostKind.allCases)
    func aProgramThatEndsAtOnceIsBrokenAfterThreeTries(kind: HostKind) async throws {
        let step = StepClock()
        try await withBench(kind) { bench in
            try await bench.supervise(bench.plan("exit 3"), clock: step.clock) { supervisor in
                try await eventually("it is broken") { supervisor.status.state == .broken }
                #expect(supervisor.status.starts == 3)
                #expect(supervisor.status.errors == 3)
                let reason = try #require(supervisor.status.reason)
                #expect(reason.contains("3 times while RUNNING"))
                #expect(reason.contains("it ended with code 3"))
                #expect(reason.contains("restart it"))
                // Two waits, the second one longer, each spread by a fifth.
                let waits = step.sleeps
                #expect(waits.count == 2)
                #expect((.milliseconds(799)...(.milliseconds(1_201))).contains(waits[0]))
                #expect((.milliseconds(1_279)...(.milliseconds(1_921))).contains(waits[1]))
                supervisor.reset()
                try await eventually("it was tried again") {
                    supervisor.status.state == .broken && supervisor.status.starts == 6
                }
            }
        }
    }

    @Test func anHourOfCalmForgetsErrors() {
        var errors = ErrorCount()
        #expect(errors.add(.running, at: .zero) == (false, true))
        #expect(errors.add(.running, at: .seconds(10)) == (false, false))
        #expect(errors.add(.starting, at: .seconds(20)) == (false, false))
        #expect(errors.add(.running, at: .seconds(3_620)) == (false, true))
        #expect(errors.total == 1)
        #expect(errors.add(.running, at: .seconds(7_000)) == (false, false))
        #expect(errors.add(.running, at: .seconds(10_000)) == (true, false))
    }

    @Test func aProgramThatIsKilledIsStartedAgain() async throws {
        let step = StepClock()
        let seconds = uniqueSeconds()
        try await withBench { bench in
            try await bench.supervise(bench.plan("exec sleep \(seconds)"), clock: step.clock) { supervisor in
                let pid = try await eventually("it runs") {
                    supervisor.status.state == .running ? supervisor.status.pid : nil
                }
                kill(pid, SIGKILL)
                try await eventually("it runs again") {
                    supervisor.status.state == .running && supervisor.status.restarts == 1
                        && supervisor.status.pid != nil
                }
                #expect(supervisor.status.exit == .signal(SIGKILL))
                #expect(supervisor.status.errors == 1)
                #expect(supervisor.status.pid != pid)
            }
        }
    }

    @Test(arguments: HostKind.allCases)
    func aProgramThatIgnoresSIGTERMIsKilledAfterItsTime(kind: HostKind) async throws {
        let seconds = uniqueSeconds()
        try await withBench(kind) { bench in
            var plan = bench.plan(
                "trap 'echo asked > asked' TERM; touch ready; while :; do sleep \(seconds) & wait $!; done")
            plan.stopTimeout = .milliseconds(500)
            let begun = try await bench.supervise(plan) { _ in
                try await eventually("it traps") { bench.text("ready") != nil }
                return ContinuousClock.now
            }
            #expect(begun.duration(to: .now) >= .milliseconds(500))
            #expect(bench.text("asked") == "asked\n")
            #expect(processes(with: "\(seconds)").isEmpty)
        }
    }

    @Test func theShutdownHookIsAskedBeforeSIGTERM() async throws {
        try await withBench { bench in
            var plan = bench.plan(
                "trap 'echo term >> order; exit 0' TERM; touch ready; while :; do sleep 0.05; done")
            plan.shutdown = ProgramHook(["sh", "-c", "echo hook >> order"], timeout: .seconds(30))
            try await bench.supervise(plan) { _ in
                try await eventually("it traps") { bench.text("ready") != nil }
            }
            #expect(bench.text("order") == "hook\nterm\n")
        }
    }

    @Test func whatStartupBeganIsEndedByShutdown() async throws {
        let seconds = uniqueSeconds()
        try await withBench { bench in
            var plan = bench.plan("")
            plan.run = nil
            plan.startup = ProgramHook(
                ["sh", "-c", "sleep \(seconds) & echo $! > pid"], timeout: .seconds(30))
            plan.shutdown = ProgramHook(["sh", "-c", "kill $(cat pid) && touch down"], timeout: .seconds(30))
            try await bench.supervise(plan) { supervisor in
                try await eventually("it runs") { supervisor.status.state == .running }
                try await eventually("it sleeps") { processes(with: "sleep\0\(seconds)").count == 1 }
                #expect(supervisor.status.pid == nil)
            }
            #expect(bench.text("down") != nil)
            #expect(processes(with: "\(seconds)").isEmpty)
        }
    }

    @Test func anOnDemandProgramRunsWhileItIsWanted() async throws {
        let seconds = uniqueSeconds()
        try await withBench { bench in
            var plan = bench.plan("exec sleep \(seconds)")
            plan.mode = .onDemand
            try await bench.supervise(plan) { supervisor in
                try await eventually("it is installed") { supervisor.status.state == .installed }
                #expect(processes(with: "\(seconds)").isEmpty)
                supervisor.start()
                try await eventually("it runs") { supervisor.status.state == .running }
                try await eventually("it sleeps") { !processes(with: "\(seconds)").isEmpty }
                supervisor.stop()
                try await eventually("it is installed again") { supervisor.status.state == .installed }
                #expect(processes(with: "\(seconds)").isEmpty)
                #expect(supervisor.status.errors == 0)
                supervisor.start()
                try await eventually("it runs again") {
                    supervisor.status.state == .running && supervisor.status.starts == 2
                }
            }
        }
    }

    @Test func aFindingOfTheCallerIsAnError() async throws {
        let step = StepClock()
        try await withBench { bench in
            try await bench.supervise(bench.plan("exec sleep 1000"), clock: step.clock) { supervisor in
                try await eventually("it runs") { supervisor.status.state == .running }
                supervisor.fail("its handler did not answer")
                try await eventually("it runs again") {
                    supervisor.status.restarts == 1 && supervisor.status.state == .running
                }
                #expect(supervisor.status.errors == 1)
                #expect(supervisor.tail(20).contains { $0.contains("its handler did not answer") })
            }
        }
    }

    /// In each state that lasts: where it is cancelled, it ends, and nothing is left.
    @Test(arguments: ProgramState.allCases)
    func aSupervisorIsCancelledInEachState(state: ProgramState) async throws {
        let seconds = uniqueSeconds()
        let long = ["sh", "-c", "sleep \(seconds)"]
        try await withBench { bench in
            var plan = bench.plan("sleep \(seconds)")
            plan.stopTimeout = .milliseconds(300)
            switch state {
            case .new: plan.install = ProgramHook(long, timeout: .seconds(600))
            case .installed: plan.mode = .onDemand
            case .starting: plan.health = ProgramHealth(command: ProgramHook(["false"], timeout: .seconds(5)))
            case .running: break
            case .stopping: plan.run = ["sh", "-c", "trap '' TERM; sleep \(seconds)"]
            case .errored, .broken: plan.run = ["sh", "-c", "exit 1"]
            case .finished: plan.run = ["true"]
            }
            let step = StepClock()
            let clock = state == .broken ? step.clock : .continuous
            let backoff = Backoff(initial: .seconds(state == .errored ? 600 : 1))
            try await bench.supervise(plan, clock: clock, backoff: backoff) { supervisor in
                if state == .stopping {
                    try await eventually("it runs") { supervisor.status.state == .running }
                    supervisor.restart()
                }
                try await eventually("it is \(state)") { supervisor.status.state == state }
            }
            #expect(processes(with: "\(seconds)").isEmpty)
        }
    }

    @Test func everyChangeIsToldToThoseWhoWatch() async throws {
        try await withBench { bench in
            let plan = bench.plan("exit 0")
            let seen = try await bench.supervise(plan) { supervisor in
                var seen: [ProgramState] = []
                for await status in supervisor.updates() {
                    if seen.last != status.state { seen.append(status.state) }
                    if status.state == .finished { break }
                }
                return seen
            }
            #expect(seen == [.new, .installed, .starting, .running, .finished])
        }
    }
}
