import Foundation
import TestSupport
import ThingClient

/// The course of a soak: rounds of faults, each followed by recovering; in the end the books are compared.
struct Soak {
    private let scenario: SoakScenario
    private let settings: SoakSettings
    private let notes: SoakNotes
    private var counts: [Fault.Kind: Int] = [:]
    private var slowest = Duration.zero
    private var slowestRound = 0
    private var deployments = 0

    init(_ scenario: SoakScenario, _ settings: SoakSettings) {
        self.scenario = scenario
        self.settings = settings
        notes = scenario.notes
    }

    /// Runs it.
    ///
    /// - Throws: what is wrong in the end, or what did not recover.
    mutating func run() async throws {
        let (scenario, notes) = (scenario, notes)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                do {
                    try await scenario.members.supervise { notes.add($0) }
                } catch {
                    if !Task.isCancelled { notes.add("nobody keeps the processes any more: \(error)") }
                }
            }
            tasks.addTask { try await Self.report(scenario) }
            defer { tasks.cancelAll() }
            try await rounds()
            try await finish()
        }
    }

    private mutating func rounds() async throws {
        var number = 0
        var nextLook = Duration.seconds(900)
        while number < 2 || notes.elapsed < .seconds(60 * settings.minutes) {
            // In the midst of it, each batch is processed by one version and no other.
            let version = "1.0.\(number + 1)"
            async let deployment = scenario.deploy(version: version)
            let faults = try await scenario.run(scenario.plan.round(number))
            for fault in faults { counts[fault.kind, default: 0] += 1 }
            let time = try await scenario.recover()
            notes.add("round \(number): everything flows again after \(Self.seconds(time))")
            if let deployment = try await deployment {
                let refusals = try await scenario.admin.waitForDeployment(
                    deployment, within: SoakScenario.recovery)
                // A core whose disk is full says so, and goes on with what it has.
                for refusal in refusals { notes.add("round \(number): \(refusal)") }
                if refusals.isEmpty { deployments += 1 }
            }
            if time > slowest { (slowest, slowestRound) = (time, number) }
            number += 1
            if notes.elapsed > nextLook {
                try await look()
                // Reading all of the history takes longer each time.
                nextLook = notes.elapsed * 2
            }
        }
    }

    /// While everything goes on: what is there must be right; what is not there yet may still come.
    private func look() async throws {
        let (audit, _) = try await scenario.audit()
        let wrong = audit.violations.filter {
            if case .vanished = $0 { return false }
            return true
        }
        notes.add(
            "so far \(audit.acknowledgedCount) acknowledged, \(audit.rowCount) stored, \(wrong.count) wrong")
        guard wrong.isEmpty else {
            throw DidNotHappen(description: "\(wrong.count) violations: \(wrong.prefix(20))")
        }
    }

    /// Everything ends gracefully, everything is brought to the cloud, and the books are compared.
    private func finish() async throws {
        // With nothing in its way, a deployment runs everywhere.
        try await scenario.admin.deploy(group: SoakGroup.name)
        try await scenario.members.retire(SoakScenario.things, within: SoakScenario.recovery)
        var depths: [String: UInt64] = [:]
        do {
            try await eventually("every core has brought everything to the cloud", within: .seconds(120)) {
                for core in SoakGroup.cores { depths[core] = scenario.depth(of: core) ?? .max }
                return depths.values.allSatisfy { $0 == 0 }
            }
        } catch let error as DidNotHappen {
            throw DidNotHappen(description: "\(error): \(depths)")
        }
        var (audit, account) = try await scenario.audit()
        scenario.enterEnds(into: &audit)
        for (ending, count) in await scenario.members.endings.sorted(by: { $0.key < $1.key }) {
            notes.add("ended by itself: \(ending), \(count) times")
        }
        let faults = counts.sorted { $0.key.rawValue < $1.key.rawValue }.map {
            "\($0.value) \($0.key.rawValue)"
        }
        let failedSyncs = scenario.controls.values.reduce(0) { $0 + ((try? $1.failedSyncs) ?? 0) }
        notes.add(
            "faults: \(faults.joined(separator: ", ")); \(failedSyncs) syncs failed; \(deployments) deployments"
        )
        notes.add("longest time to recover: \(Self.seconds(slowest)), after round \(slowestRound)")
        let violations = audit.violations
        notes.add(
            """
            \(audit.acknowledgedCount) acknowledged (twins included) in \(audit.runCount) epochs, \(audit.storedCount) \
            stored, \(audit.lostCount) of the acknowledged lost and named (\(account)), \(violations.count) violations
            """)
        guard violations.isEmpty else {
            throw DidNotHappen(description: "\(violations.count) violations: \(violations.prefix(20))")
        }
        guard UInt64(audit.rowCount) == account.received else {
            throw DidNotHappen(
                description:
                    "the ledger has received \(account.received), but the history has \(audit.rowCount) rows")
        }
    }

    /// A line each minute, so that one sees a leak.
    private static func report(_ scenario: SoakScenario) async throws {
        for minute in 1... {
            try await Task.sleep(for: .seconds(60))
            var parts: [String] = []
            for name in ["cloud"] + SoakGroup.cores {
                parts.append("\(name) \(await scenario.memory(of: name).map { "\($0) MiB" } ?? "down")")
            }
            let acknowledged = SoakScenario.things.compactMap { scenario.statistics($0)?.acknowledged }
                .reduce(0, +)
            let depths = SoakGroup.cores.map { core in
                scenario.depth(of: core).map { "\($0)" } ?? "?"
            }
            scenario.notes.add(
                "minute \(minute): \(parts.joined(separator: ", ")); \(acknowledged) acknowledged in the epochs of now; "
                    + "\(depths.joined(separator: " and ")) waiting on the cores")
        }
    }

    private static func seconds(_ duration: Duration) -> String {
        let (seconds, fraction) = duration.components
        return "\(seconds).\(fraction / 100_000_000_000_000_000) s"
    }
}
