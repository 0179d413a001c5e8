import Foundation
import GRDB
import TestSupport
import ThingClient

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A fleet of two cores and some things under load, whose processes are killed one after the other.
///
/// Every SIGKILL hits while messages are unacknowledged, and that is shown, not hoped for: at the seeded moment
/// whoever would acknowledge is stopped with SIGSTOP, and killed or left stopped until the files of the other
/// side say that something waits for it. To the victim that is the moment of the stop.
final class KillScenario {
    /// One SIGKILL, and what was in flight.
    struct Kill: CustomStringConvertible {
        let victim: String
        let inFlight: UInt64
        let evidence: String
        let time: Duration

        var description: String { "\(time) \(victim): \(inFlight) \(evidence)" }
    }

    static let group = "mill"
    /// Every reading goes to the cloud twice: as it is, and through this component.
    private static let component = "kelvin"
    private static let recipe = """
        kind: Component
        name: \(component)
        version: 1.0.0
        transform:
          - set: {temperature: {value: 'reading.temperature + 273.15', unit: K}}
          - publish: kelvin/reading
        """
    let cores = ["core-a", "core-b"]
    let things = ["press-1", "press-2", "press-3"]
    let fleet: ProcessFleet
    private(set) var admin: FleetOperator
    private(set) var kills: [Kill] = []
    private var generator: TestSupport.SeededGenerator
    private var running: [String: FleetProcess] = [:]
    private let start = ContinuousClock.now

    /// Registers everything, deploys, and starts cores and things.
    init(fleet: ProcessFleet, seed: UInt64) async throws {
        self.fleet = fleet
        generator = TestSupport.SeededGenerator(seed: seed)
        running["cloud"] = try await fleet.startCloud()
        admin = try await FleetOperator(enrollingIn: fleet)
        try await admin.register(cores: cores, things: things)
        try await admin.push(Self.recipe)
        try await admin.apply(
            """
            kind: Group
            name: \(Self.group)
            cores: [\(cores.joined(separator: ", "))]
            things: [\(things.joined(separator: ", "))]
            components: [{name: \(Self.component), version: 1.0.0}]
            subscriptions:
              - {from: "thing:*", topic: "#", to: cloud}
              - {from: "thing:*", topic: "#", to: "component:\(Self.component)"}
              - {from: "component:\(Self.component)", topic: "#", to: cloud}
            """)
        for core in cores { running[core] = try await fleet.startCore(core, waits: false) }
        try await admin.deploy(group: Self.group)
        for core in cores { try await fleet.waitForPorts(core, process(core)) }
        for thing in things { try startThing(thing) }
        try await eventually("every thing publishes", within: .seconds(60)) {
            things.allSatisfy { (statistics($0)?.acknowledged ?? 0) > 0 }
        }
    }

    func process(_ name: String) throws -> FleetProcess {
        guard let process = running[name] else { throw DidNotHappen(description: "\(name) does not run") }
        return process
    }

    // MARK: Looking

    func statistics(_ thing: String) -> ThingStatistics? {
        FleetThing(thing, in: fleet).snapshot()?.statistics
    }

    /// The core that most things are connected to, and who they are.
    func servingCore() -> (core: String, things: [String])? {
        let connected = Dictionary(grouping: things) { statistics($0)?.currentCore ?? "" }
        return connected.filter { running[$0.key] != nil }.max {
            ($0.value.count, $0.key) < ($1.value.count, $1.key)
        }
        .map { ($0.key, $0.value) }
    }

    /// Messages in a core's streams that the cloud has not acknowledged, as its database says.
    func depth(of core: String) throws -> UInt64 {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        let queue = try DatabaseQueue(
            path: fleet.statePath(core) + "/core.sqlite", configuration: configuration)
        let depth = try queue.read { db in
            try Int64.fetchOne(db, sql: "SELECT sum(next - 1 - acknowledged) FROM stream_epoch")
        }
        return UInt64(depth ?? 0)
    }

    /// Waits until things are connected to a core and something is acknowledged to each there.
    func waitUntilServed(by core: String) async throws {
        var before: [String: UInt64] = [:]
        try await eventually("all things publish to \(core)", within: .seconds(60)) {
            things.allSatisfy { thing in
                guard let now = statistics(thing), now.currentCore == core else { return false }
                let first = before[thing] ?? now.acknowledged
                before[thing] = first
                return now.acknowledged > first
            }
        }
    }

    // MARK: Killing

    func pause(_ range: ClosedRange<Int>) async throws {
        try await Task.sleep(for: .milliseconds(Int.random(in: range, using: &generator)))
    }

    func pick<Value>(_ values: [Value]) -> Value {
        values[Int.random(in: 0..<values.count, using: &generator)]
    }

    func shuffled<Value>(_ values: [Value]) -> [Value] { values.shuffled(using: &generator) }

    /// Kills a thing while the cores cannot acknowledge anything to it.
    func killThing(_ thing: String) async throws {
        let frozen = try cores.compactMap { running[$0] == nil ? nil : try process($0) }
        for core in frozen { core.signal(SIGSTOP) }
        defer { for core in frozen { core.signal(SIGCONT) } }
        let inFlight = try await unacknowledged([thing], since: Date())
        try await kill(thing, inFlight, "messages that no core had acknowledged")
    }

    /// Kills the core that things are connected to, while it owes them acknowledgements.
    ///
    /// - Returns: The core.
    @discardableResult
    func killServingCore() async throws -> String {
        try await eventually("a core has things and owes them acknowledgements", within: .seconds(60)) {
            guard let (core, connected) = servingCore() else { return nil }
            return try await tryToKill(core, connected) ? core : nil
        }
    }

    /// Kills a core once things are connected to it, while it owes them acknowledgements.
    func killCore(_ core: String) async throws {
        try await eventually("\(core) has things and owes them acknowledgements", within: .seconds(60)) {
            try await tryToKill(core, things.filter { statistics($0)?.currentCore == core })
        }
    }

    /// Brings all things to a core, by killing the other one whenever some are there.
    func gather(on core: String) async throws {
        // What was written before is of a time when they may have been elsewhere.
        var since = Date()
        try await eventually("all things are at \(core)", within: .seconds(90)) {
            let places = things.map { thing -> String? in
                guard let snapshot = FleetThing(thing, in: fleet).snapshot(), snapshot.written > since else {
                    return nil
                }
                return snapshot.statistics.currentCore
            }
            if places.allSatisfy({ $0 == core }) { return true }
            guard let other = cores.first(where: { $0 != core && running[$0] != nil && places.contains($0) })
            else {
                return false
            }
            guard try await tryToKill(other, zip(things, places).filter { $0.1 == other }.map(\.0)) else {
                return false
            }
            try await waitUntilServed(by: core)
            try await startCore(other)
            since = Date()
            return false
        }
        try await waitUntilServed(by: core)
    }

    private func tryToKill(_ core: String, _ connected: [String]) async throws -> Bool {
        let victim = try process(core)
        guard !connected.isEmpty else { return false }
        victim.signal(SIGSTOP)
        do {
            let inFlight = try await unacknowledged(connected, by: core, since: Date())
            try await kill(
                core, inFlight, "messages of \(connected.count) things that it had not acknowledged")
            return true
        } catch is NothingInFlight {
            victim.signal(SIGCONT)
            return false
        }
    }

    /// Kills the cloud while a core has messages for it.
    func killCloud() async throws {
        let victim = try process("cloud")
        victim.signal(SIGSTOP)
        let inFlight: UInt64 = try await eventually("a core has messages for the cloud", within: .seconds(60))
        {
            // What the cloud said before it was stopped is heard within this.
            try await Task.sleep(for: .milliseconds(200))
            let depth = try cores.filter { running[$0] != nil }.map(depth(of:)).max() ?? 0
            return depth > 0 ? depth : nil
        }
        try await kill("cloud", inFlight, "messages in a core's stream that it had not acknowledged")
    }

    private struct NothingInFlight: Error {}

    /// The unacknowledged messages of a thing, from counts that it wrote when those who acknowledge had been
    /// stopped for a while: what was on its way back had arrived by then.
    ///
    /// - Parameter core: Who would acknowledge; nil for whoever it is.
    private func unacknowledged(
        _ things: [String], by core: String? = nil, since stop: Date
    ) async throws -> UInt64 {
        let deadline = ContinuousClock.now + .seconds(4)
        while ContinuousClock.now < deadline {
            for thing in things {
                guard let snapshot = FleetThing(thing, in: fleet).snapshot(), snapshot.written > stop + 0.3
                else {
                    continue
                }
                guard core == nil || snapshot.statistics.currentCore == core else { continue }
                if snapshot.statistics.unsettled > 0 { return snapshot.statistics.unsettled }
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw NothingInFlight()
    }

    private func kill(_ name: String, _ inFlight: UInt64, _ evidence: String) async throws {
        try await process(name).kill9()
        running[name] = nil
        let kill = Kill(
            victim: name, inFlight: inFlight, evidence: evidence, time: ContinuousClock.now - start)
        kills.append(kill)
        print("kill \(kills.count): \(kill)")
    }

    // MARK: Starting

    func startThing(_ thing: String) throws {
        running[thing] = try FleetThing(thing, in: fleet).start([
            "--interval", "0.02", "--seed", "\(UInt64.random(in: 0 ... .max, using: &generator))",
            "--flush-timeout", "60",
        ])
    }

    func startCore(_ core: String) async throws { running[core] = try await fleet.startCore(core) }

    func startCloud() async throws { running["cloud"] = try await fleet.startCloud() }

    /// Kills a victim of each kind in a seeded order, each at a seeded moment, and starts it again after a while.
    func round(things count: Int, cores coreCount: Int, clouds: Int) async throws {
        enum Victim { case thing, core, cloud }
        let victims =
            Array(repeating: Victim.thing, count: count) + Array(repeating: .core, count: coreCount)
            + Array(repeating: .cloud, count: clouds)
        for victim in shuffled(victims) {
            try await pause(50...800)
            switch victim {
            case .thing:
                let thing = pick(things)
                try await killThing(thing)
                try await pause(0...300)
                try startThing(thing)
            case .core:
                let core = try await killServingCore()
                try await pause(0...600)
                try await startCore(core)
            case .cloud:
                try await killCloud()
                try await pause(0...600)
                try await startCloud()
            }
        }
    }

    /// Ends the things as a user would, so that all that they published is acknowledged.
    func stopThings() async throws {
        // A process that has just been started does not listen to signals yet.
        try await eventually("every thing publishes", within: .seconds(60)) {
            things.allSatisfy { (statistics($0)?.acknowledged ?? 0) > 0 }
        }
        for thing in things { try process(thing).signal(SIGTERM) }
        for thing in things {
            let exit = try await process(thing).waitForExit(within: .seconds(90))
            guard exit == .code(0) else { throw DidNotHappen(description: "\(thing) ended with \(exit)") }
            running[thing] = nil
        }
    }

    // MARK: Judging

    /// What is acknowledged now.
    func acknowledged() throws -> DeliveryAudit {
        var audit = DeliveryAudit()
        for thing in things {
            for (run, ranges) in try FleetThing(thing, in: fleet).acknowledged() {
                let derived = DeliveryAudit.Run(
                    thing: DeliveryAudit.name(of: thing, through: Self.component), epoch: run.epoch)
                for range in ranges {
                    audit.acknowledge(run, range)
                    audit.acknowledge(derived, range)
                }
            }
        }
        return audit
    }

    /// Compares all that was acknowledged until now with history and ledger; again and again until it is right
    /// and settled, because cores are still sending.
    @discardableResult
    func settle(
        _ what: String, where isSettled: (DeliveryAudit, FleetOperator.Account) -> Bool
    ) async throws -> DeliveryAudit {
        let promised = try acknowledged()
        var last = ""
        do {
            return try await eventually(what, within: .seconds(90)) {
                var audit = promised
                let account = try await admin.collect(into: &audit, things: things)
                let violations = audit.violations
                last =
                    "\(violations.count) violations, \(audit.absentCount) absent, \(audit.lostCount) named, "
                    + "\(account): \(violations.prefix(20))"
                return violations.isEmpty && isSettled(audit, account) ? audit : nil
            }
        } catch let error as DidNotHappen {
            throw DidNotHappen(description: "\(error); \(last)")
        }
    }

    /// Waits until no core has anything left for the cloud.
    func drainCores() async throws {
        try await eventually("every core has brought everything to the cloud", within: .seconds(60)) {
            try cores.allSatisfy { try depth(of: $0) == 0 }
        }
    }

    // MARK: Backups

    /// Copies the running cloud's database, as an operator's nightly job would.
    func backUpCloud(to path: String) throws {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(10)
        let queue = try DatabaseQueue(path: fleet.cloudState + "/cloud.sqlite", configuration: configuration)
        try queue.writeWithoutTransaction { try $0.execute(sql: "VACUUM INTO ?", arguments: [path]) }
    }

    /// Puts the copy in the place of the stopped cloud's database.
    func restoreCloud(from path: String) throws {
        let database = fleet.cloudState + "/cloud.sqlite"
        for file in [database, database + "-wal", database + "-shm"] {
            try? FileManager.default.removeItem(atPath: file)
        }
        try FileManager.default.copyItem(atPath: path, toPath: database)
    }

    /// Copies the state directory of a core that does not run.
    func copyState(of core: String, to path: String) throws {
        try FileManager.default.copyItem(atPath: fleet.statePath(core), toPath: path)
    }

    /// Puts the copy in the place of the state of a core that does not run.
    func restoreState(of core: String, from path: String) throws {
        try FileManager.default.removeItem(atPath: fleet.statePath(core))
        try FileManager.default.copyItem(atPath: path, toPath: fleet.statePath(core))
    }
}
