import Foundation
import HedgerowAPI
import TestSupport
import Testing

/// Real processes, real disks, SIGKILL: what was acknowledged arrives exactly once, and what a restored backup
/// lost is named by the ledger. What else can go wrong is in `SoakTests`; here, every kill hits messages in flight.
@Suite(.serialized) struct KillTests {
    private static var seed: UInt64 {
        ProcessInfo.processInfo.environment["HEDGEROW_KILL_SEED"].flatMap(UInt64.init)
            ?? .random(in: 0 ... .max)
    }

    @Test(
        "whatever is killed and restored, the acknowledged is stored once or named by the ledger",
        .timeLimit(.minutes(8)))
    func killsMovesAndRestores() async throws {
        let seed = Self.seed
        print("kill test: HEDGEROW_KILL_SEED=\(seed)")
        try await ProcessFleet.with { fleet in
            let scenario = try await KillScenario(fleet: fleet, seed: seed)

            try await scenario.round(things: 1, cores: 1, clouds: 1)
            try await scenario.settle("after kills alone everything acknowledged arrives") { audit, _ in
                audit.absentCount == 0
            }

            try await moveThereAndBack(scenario)
            try await scenario.settle("after a move between cores everything acknowledged arrives") {
                audit, _ in
                audit.absentCount == 0
            }

            // What follows would show nothing if nothing were lost.
            try await restoreCloud(scenario)
            try await scenario.settle("the ledger names what a restored cloud forgot") { audit, account in
                audit.lostCount > 0 && account.lost[.receiverRestored, default: 0] > 0
            }

            try await restoreCore(scenario)
            try await scenario.settle("the ledger names what a restored core forgot") { audit, account in
                audit.lostCount > 0 && account.lost[.notResent, default: 0] > 0
            }

            try await scenario.round(things: 1, cores: 1, clouds: 1)
            try await finish(scenario, seed: seed)
        }
    }

    /// A thing is moved from core A to core B and back, each holding messages of the same epoch that the cloud
    /// does not have yet.
    private func moveThereAndBack(_ scenario: KillScenario) async throws {
        let (a, b) = (scenario.cores[0], scenario.cores[1])
        try await scenario.gather(on: a)
        // With the cloud away, so that A goes down with messages that only it has.
        try await scenario.killCloud()
        try await scenario.killCore(a)
        try await scenario.waitUntilServed(by: b)
        try await scenario.startCore(a)
        try await scenario.killCore(b)
        try await scenario.waitUntilServed(by: a)
        try await scenario.startCore(b)
        try await scenario.startCloud()
    }

    /// The cloud goes back to a copy of its database that is some kills old.
    private func restoreCloud(_ scenario: KillScenario) async throws {
        let backup = scenario.fleet.directory + "/cloud.backup"
        try scenario.backUpCloud(to: backup)
        try await scenario.round(things: 1, cores: 1, clouds: 0)
        try await scenario.killCloud()
        try scenario.restoreCloud(from: backup)
        try await scenario.startCloud()
    }

    /// Core A goes back to a copy of its state directory, with acknowledged messages that only it had; then the
    /// things come back to it in the epochs that it knows from before.
    private func restoreCore(_ scenario: KillScenario) async throws {
        let a = scenario.cores[0]
        let copy = scenario.fleet.directory + "/\(a).copy"
        try await scenario.gather(on: a)
        try await scenario.killCore(a)
        try scenario.copyState(of: a, to: copy)
        try await scenario.startCore(a)
        try await scenario.gather(on: a)
        try await scenario.killCloud()
        try await scenario.waitUntilServed(by: a)
        try await scenario.killCore(a)
        try scenario.restoreState(of: a, from: copy)
        try await scenario.startCore(a)
        try await scenario.startCloud()
        try await scenario.gather(on: a)
    }

    /// Everything ends gracefully, everything is brought to the cloud, and the books are compared.
    private func finish(_ scenario: KillScenario, seed: UInt64) async throws {
        try await scenario.stopThings()
        try await scenario.drainCores()
        var audit = try scenario.acknowledged()
        let account = try await scenario.admin.collect(into: &audit, things: scenario.things)
        print(
            """
            kill test: \(scenario.kills.count) kills, \(audit.acknowledgedCount) acknowledged in \(audit.runCount) epochs, \
            \(audit.storedCount) stored, \(audit.lostCount) of the acknowledged lost and named (\(account)), \
            \(audit.violations.count) violations, seed \(seed)
            """)
        #expect(audit.violations.isEmpty, "\(audit.violations.count): \(audit.violations.prefix(20))")
        #expect(audit.absentCount == audit.lostCount)
        #expect(
            UInt64(audit.rowCount) == account.received, "the ledger's count is that of the history's rows")
        #expect(scenario.kills.count >= 12)
        #expect(scenario.kills.allSatisfy { $0.inFlight > 0 })
        let victims = Set(scenario.kills.map(\.victim))
        #expect(victims.isSuperset(of: scenario.cores + ["cloud"]))
        #expect(!victims.isDisjoint(with: scenario.things))
    }
}
