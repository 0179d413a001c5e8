import Foundation
import Messaging
import TestSupport
import Testing

@testable import Supervision

/// What happens to programs that take too much.
@Suite struct LimitTests {
    @Test(arguments: HostKind.allCases)
    func aProgramThatEatsMemoryIsAnErrorAndNothingElseSuffers(kind: HostKind) async throws {
        try await withBench(kind) { bench in
            // Doubles a text until there is no more room for it.
            var plan = bench.plan("awk 'BEGIN { s = \"0123456789\"; while (1) s = s s }'; exit $?")
            plan.limits.memory = 64 << 20
            try await bench.supervise(plan, backoff: Backoff(initial: .seconds(600))) { supervisor in
                try await eventually("it failed") { supervisor.status.state == .errored }
                #expect(supervisor.status.exit != .code(0))
            }
        }
    }

    /// Each of them stays below the limit, all together do not.
    @Test(arguments: HostKind.allCases)
    func memoryIsCountedOverAllProcesses(kind: HostKind) async throws {
        let seconds = uniqueSeconds()
        try await withBench(kind) { bench in
            var plan = bench.plan(
                "for i in 1 2 3 4; do (head -c 30000000 /dev/zero; sleep \(seconds)) "
                    + "| tail -c 40000000 & done; wait")
            plan.limits.memory = 64 << 20
            try await bench.supervise(plan, backoff: Backoff(initial: .seconds(600))) { supervisor in
                try await eventually("it failed") { supervisor.status.state == .errored }
                #expect(supervisor.status.reason?.contains("memory") == true)
                #expect(supervisor.status.reason?.contains("67108864") == true)
                #expect(processes(with: "\(seconds)").isEmpty)
            }
        }
    }

    @Test(arguments: HostKind.allCases)
    func tooManyProcessesAreAnErrorOrCannotBeMade(kind: HostKind) async throws {
        let seconds = uniqueSeconds()
        try await withBench(kind) { bench in
            var plan = bench.plan("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep \(seconds) & done; wait")
            plan.limits.processes = 8
            let isControlled = bench.host.confinement.cgroup.has("pids")
            try await bench.supervise(plan, backoff: Backoff(initial: .seconds(600))) { supervisor in
                try await eventually("it failed") { supervisor.status.state == .errored }
                if !isControlled {
                    #expect(supervisor.status.reason?.contains("processes, its limit is 8") == true)
                }
                #expect(processes(with: "\(seconds)").isEmpty)
            }
        }
    }

    @Test(arguments: HostKind.allCases)
    func aProgramThatOpensAThousandFilesIsRefusedThem(kind: HostKind) async throws {
        guard access("/usr/bin/python3", X_OK) == 0 else {
            print("skipped: /usr/bin/python3 is not installed here")
            return
        }
        try await withBench(kind) { bench in
            let code = "import os\nfiles = [open('/dev/null') for _ in range(1000)]"
            var plan = bench.plan("exec /usr/bin/python3 -c \"\(code)\"")
            plan.limits.files = 256
            try await bench.supervise(plan, backoff: Backoff(initial: .seconds(600))) { supervisor in
                try await eventually("it failed") { supervisor.status.state == .errored }
                #expect(supervisor.status.exit == .code(1))
                try await eventually("it says why") {
                    supervisor.tail(50).contains { $0.contains("Too many open files") }
                }
            }
            // With room for them it is well; more than the core may allow is what it may.
            plan.limits.files = 1 << 40
            try await bench.supervise(plan) { supervisor in
                try await eventually("it is finished") { supervisor.status.state == .finished }
            }
        }
    }

    /// The files of the kernel and not their effect: the controllers are not on every machine that runs tests.
    @Test func limitsAreWrittenForTheControllersThatThereAre() {
        let limits = ProgramLimits(memory: 1_000_000, cpu: 0.5, processes: 7, files: 99)
        let all = ProgramCgroup.settings(limits, controllers: ["cpu", "memory", "pids"])
        #expect(
            all.map { "\($0.file)=\($0.value)" } == [
                "memory.max=1000000", "memory.oom.group=1", "cpu.max=50000 100000", "pids.max=7",
            ])
        #expect(ProgramCgroup.settings(limits, controllers: ["pids"]).map(\.file) == ["pids.max"])
        #expect(
            ProgramCgroup.settings(ProgramLimits(cpu: 0.001), controllers: ["cpu"])[0].value == "1000 100000")
        #expect(ProgramCgroup.settings(ProgramLimits(), controllers: CgroupRoot.wanted).isEmpty)
    }

    @Test func nobodyDumpsItsMemoryToTheDisk() async throws {
        for kind in HostKind.allCases {
            try await withBench(kind) { bench in
                try await bench.supervise(bench.plan("ulimit -c > core; exec sleep 1000")) { _ in
                    let limit = try await eventually("it says its limit") {
                        bench.text("core").flatMap { $0.isEmpty ? nil : $0 }
                    }
                    #expect(limit == "0\n")
                }
            }
        }
    }
}
