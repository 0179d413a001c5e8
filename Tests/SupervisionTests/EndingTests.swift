import Foundation
import Messaging
import TestSupport
import Testing

@testable import Supervision

/// Whatever a program begins ends with it.
@Suite struct EndingTests {
    @Test(arguments: HostKind.allCases)
    func childrenThatOutliveTheProgramAreEnded(kind: HostKind) async throws {
        let seconds = uniqueSeconds()
        try await withBench(kind) { bench in
            // The program leaves at once; its children stay.
            let plan = bench.plan("sleep \(seconds) & sleep \(seconds) & sleep 0.3; exit 0")
            try await bench.supervise(plan) { supervisor in
                try await eventually("it is finished") { supervisor.status.state == .finished }
                #expect(processes(with: "\(seconds)").isEmpty)
            }
        }
    }

    @Test(arguments: HostKind.allCases)
    func whatForkedAwayTwiceIntoASessionOfItsOwnIsEnded(kind: HostKind) async throws {
        let seconds = uniqueSeconds()
        try await withBench(kind) { bench in
            var plan = bench.plan(
                "(setsid sh -c 'trap \"\" TERM; sleep \(seconds) & wait' &) ; touch ready; exec sleep 1000")
            plan.stopTimeout = .milliseconds(500)
            try await bench.supervise(plan) { _ in
                try await eventually("it has forked") { !processes(with: "sleep\0\(seconds)").isEmpty }
            }
            #expect(processes(with: "\(seconds)").isEmpty)
        }
    }

    /// Without a mark, a parent and a session only a control group or a sandbox finds it.
    @Test(arguments: [HostKind.groups, .full])
    func whatAlsoClearedItsEnvironmentIsEndedByGroupOrSandbox(kind: HostKind) async throws {
        let seconds = uniqueSeconds()
        try await withBench(kind) { bench in
            if kind == .groups, bench.host.cgroup == nil {
                print("skipped: \(bench.host.confinement.sentence)")
                return
            }
            if kind == .full, !hasSandbox, bench.host.cgroup == nil { return }
            var plan = bench.plan("(env -i setsid sleep \(seconds) &) ; exec sleep 1000")
            plan.stopTimeout = .milliseconds(500)
            try await bench.supervise(plan) { _ in
                try await eventually("it has forked") { !processes(with: "sleep\0\(seconds)").isEmpty }
            }
            #expect(processes(with: "\(seconds)").isEmpty)
        }
    }

    @Test func aStatOfAProcessIsReadWhateverItsName() throws {
        let text =
            "42 (a) b (c) S 1 42 41 0 -1 4194560 10 0 0 0 7 8 9 10 20 0 1 0 5555 1000 33 18446744073709551615"
        let entry = try #require(ProcessEntry(text))
        #expect(entry.pid == 42)
        #expect(entry.parent == 1)
        #expect(entry.group == 42)
        #expect(entry.session == 41)
        #expect(entry.startTime == 5_555)
        #expect(entry.ticks == 34)
        #expect(entry.residentPages == 33)
        #expect(!entry.isZombie)
        #expect(ProcessEntry("nothing") == nil)
    }

    @Test func whatAProgramUsesIsMeasuredWithItsChildren() async throws {
        for kind in HostKind.allCases {
            try await withBench(kind) { bench in
                let plan = bench.plan("(while :; do :; done) & sleep 1000")
                try await bench.supervise(plan) { supervisor in
                    // A look may be a second old, from before the program had begun all.
                    try await eventually("all of it is seen at work") {
                        guard let usage = await supervisor.usage() else { return false }
                        return usage.cpuTime > .milliseconds(200) && usage.processes >= 3
                            && usage.residentBytes > 100_000
                    }
                }
            }
        }
    }
}
