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
            // With room for them it is well.
            plan.limits.files = 2_000
            try await bench.supervise(plan) { supervisor in
                try await eventually("it is finished") { supervisor.status.state == .finished }
            }
        }
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
