import Foundation
import TestSupport
import Testing
import ThingClient

/// SIGKILL of a core at its writes and syncs to its database in the middle of a deployment: it runs the old revision or
/// the new one as a whole, and comes to the end of the deployment by itself.
@Suite(.serialized) struct DeploymentKillTests {
    private static let lanes = 4

    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap(UInt64.init)
    }

    /// A cloud with lanes whose cores run revision 1.
    private static func withLanes(
        _ count: Int, _ body: @Sendable ([KillLane]) async throws -> Void
    ) async throws {
        try await ProcessFleet.with { fleet in
            let faults = try await FaultLibrary(compilingIn: fleet.directory)
            try await fleet.startCloud()
            let admin = try await FleetOperator(enrollingIn: fleet)
            let numbers = Array(1...count)
            try await admin.register(
                cores: numbers.map { "core-\($0)" }, things: numbers.map { "thing-\($0)" })
            let lanes = try numbers.map {
                KillLane(fleet: fleet, admin: admin, number: $0, control: try faults.control("core-\($0)"))
            }
            for lane in lanes { try await lane.begin() }
            try await body(lanes)
        }
    }

    /// Which calls to die at: every one, where there are as many points as that, and drawn ones for the rest.
    private static func points(_ count: Int, of calls: Int, seed: UInt64) -> [Int] {
        var generator = TestSupport.SeededGenerator(seed: seed)
        let all = Array(1...calls).shuffled(using: &generator)
        return Array(all.prefix(count))
            + (0..<max(0, count - calls)).map { _ in Int.random(in: 1...calls, using: &generator) }
    }

    @Test(
        "killed at any write or sync of a deployment, a core has one revision whole and finishes by itself",
        .timeLimit(.minutes(8)))
    func everyPoint() async throws {
        let seed = Self.number("HEDGEROW_KILL_SEED") ?? .random(in: 0 ... .max)
        let count = Int(Self.number("HEDGEROW_DEPLOYMENT_KILLS") ?? 40)
        try await Self.withLanes(Self.lanes) { lanes in
            // How many there are is found out, not assumed; the first deployments have nothing to clean up yet.
            let settling = Duration.seconds(1)
            var calls = 0
            for lane in lanes {
                for revision in UInt64(2)...4 {
                    calls = max(
                        calls, try await lane.deploy(revision, killingAt: nil, settling: settling).calls)
                }
            }
            let points = Self.points(count, of: calls, seed: seed)
            print("deployment kills: HEDGEROW_KILL_SEED=\(seed), \(count) points of \(calls)")
            let start = ContinuousClock.now
            let outcomes = try await withThrowingTaskGroup(of: [KillLane.Outcome].self) { group in
                for (index, lane) in lanes.enumerated() {
                    let mine = points.enumerated().filter { $0.offset % lanes.count == index }.map(\.element)
                    group.addTask {
                        try await withThing(lane.publisher) { thing in
                            var outcomes: [KillLane.Outcome] = []
                            var revision: UInt64 = 4
                            for point in mine {
                                revision += 1
                                outcomes.append(
                                    try await lane.deploy(revision, killingAt: point, settling: settling))
                                try await lane.judgeFlow(revision, by: thing)
                            }
                            return outcomes
                        }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            let killed = outcomes.filter(\.isKilled)
            let stages = Dictionary(grouping: killed) { $0.stage ?? "before it" }.mapValues(\.count)
            print(
                """
                deployment kills: \(killed.count) of \(outcomes.count) points hit in \(start.duration(to: .now)), \
                \(killed.count(where: \.hadNew)) with the new revision, by stage \(stages.sorted { $0.key < $1.key })
                """)
            #expect(outcomes.count == count)
            // The last calls of the counted deployment may be none of another one's.
            #expect(killed.count * 10 >= count * 8)
            #expect(killed.contains(where: \.hadNew) && killed.contains { !$0.hadNew })
        }
    }

    @Test("killed at each boundary of its stages, a core goes on from there", .timeLimit(.minutes(5)))
    func stageBoundaries() async throws {
        try await Self.withLanes(1) { lanes in
            let lane = lanes[0]
            let settling = Duration.seconds(1)
            let syncs = try await lane.deploy(
                2, killingAt: nil, countsSyncsOnly: true, settling: settling
            ).calls
            #expect(syncs >= 6, "a transaction for each step")
            try await withThing(lane.publisher) { thing in
                var stages: Set<String> = []
                for sync in 1...syncs {
                    let revision = UInt64(sync) + 2
                    // What is written when the process dies is there: a transaction, as a whole.
                    let outcome = try await lane.deploy(
                        revision, killingAt: sync, countsSyncsOnly: true, settling: settling)
                    if outcome.isKilled, let stage = outcome.stage { stages.insert(stage) }
                    try await lane.judgeFlow(revision, by: thing)
                }
                print("deployment kills: \(syncs) boundaries, stages on the dead disks \(stages.sorted())")
                #expect(stages.isSuperset(of: ["fetch", "verify", "stage", "switch", "settle", "over"]))
            }
        }
    }

    @Test("killed on its way back, a core runs the old revision and says why", .timeLimit(.minutes(5)))
    func wayBack() async throws {
        try await Self.withLanes(1) { lanes in
            let lane = lanes[0]
            try await withThing(lane.publisher) { thing in
                try await lane.judgeFlow(1, by: thing)
                var stages: Set<String> = []
                // The message that decides, the step to the way back, the way back. Where the core writes something else
                // in between, it dies too early, and is killed once more.
                for round in 0..<15 where stages.count < 3 {
                    let outcome = try await lane.goBack(
                        from: UInt64(round) + 2, to: 1, killingAtSync: round % 3 + 1, by: thing)
                    try await lane.judgeFlow(1, by: thing)
                    guard outcome.isKilled, let stage = outcome.stage else { continue }
                    // Gone back is gone back: in one transaction with the end of the deployment.
                    #expect(outcome.hadNew == (stage != KillLane.DeploymentStageName.over))
                    stages.insert(stage)
                }
                print("deployment kills on the way back: stages on the dead disks \(stages.sorted())")
                #expect(
                    stages == [
                        KillLane.DeploymentStageName.settle, KillLane.DeploymentStageName.back,
                        KillLane.DeploymentStageName.over,
                    ])
            }
        }
    }
}
