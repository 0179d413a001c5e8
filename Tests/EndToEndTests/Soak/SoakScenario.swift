import Foundation
import TestSupport
import ThingClient

/// A cloud, two cores and some things, as processes that only reach each other through bad lines; what they run on can
/// be made bad too.
struct SoakScenario: Sendable {
    let fleet: ProcessFleet
    let members: SoakMembers
    let admin: FleetOperator
    let links: [String: FaultLink]
    /// Of each process; empty where the library does not compile here.
    let controls: [String: FaultControl]
    /// Of core-b; nil where a disk cannot be mounted here.
    let disk: SmallDisk?
    let plan: FaultPlan
    let notes: SoakNotes

    static let things = SoakGroup.publishers.map(\.name)

    static func line(_ from: String, to: String) -> String { "\(from) to \(to)" }

    /// Starts everything and returns when every thing publishes.
    static func start(
        _ fleet: ProcessFleet, _ proxy: FaultProxy, _ settings: SoakSettings, _ notes: SoakNotes
    ) async throws -> SoakScenario {
        let controls = await controls(in: fleet, notes)
        let disk = await disk(for: fleet, notes)
        let links = try await links(of: fleet, proxy)
        let members = SoakMembers()
        try await members.add("cloud") {
            try await fleet.startCloud(waits: false, environment: controls["cloud"]?.environment ?? [:])
        }
        try await fleet.waitForPorts("cloud", try fleet.process("cloud"))
        let admin = try await FleetOperator(enrollingIn: fleet)
        try await admin.register(cores: SoakGroup.cores, things: things)
        for name in SoakGroup.cores + things {
            let line = line(SoakGroup.cores.contains(name) ? name : "things", to: "cloud")
            if let port = links[line]?.port { try fleet.redirect(name, toCloudAt: port) }
        }
        try await admin.push(SoakGroup.recipe(version: "1.0.0"))
        try await admin.apply(SoakGroup.definition(version: "1.0.0"))
        for core in SoakGroup.cores {
            let port = links[line("things", to: core)]?.port ?? 0
            try await members.add(core) {
                try await fleet.startCore(
                    core, waits: false, ["--advertise", "127.0.0.1:\(port)"],
                    environment: controls[core]?.environment ?? [:])
            }
        }
        try await admin.deploy(group: SoakGroup.name)
        for publisher in SoakGroup.publishers {
            let stamps = "\(fleet.directory)/\(publisher.name).csv"
            try SoakGroup.stampFile(publisher, perSecond: settings.rate)
                .write(toFile: stamps, atomically: false, encoding: .utf8)
            try await members.add(publisher.name) {
                try FleetThing(publisher.name, in: fleet).start(
                    [
                        "--sensor", "replay", "--file", stamps, "--loop", "--restamp", "--flush-timeout",
                        "200",
                        "--topic", "\(publisher.name)/stamps",
                    ], environment: controls[publisher.name]?.environment ?? [:])
            }
        }
        let plan = FaultPlan(
            seed: settings.seed, programs: ["cloud"] + SoakGroup.cores, things: things,
            lines: links.keys.sorted(),
            disks: [SoakGroup.coreWithSmallDisk])
        let scenario = SoakScenario(
            fleet: fleet, members: members, admin: admin, links: links, controls: controls, disk: disk,
            plan: plan,
            notes: notes)
        try await eventually("every thing publishes", within: .seconds(90)) {
            things.allSatisfy { (scenario.statistics($0)?.acknowledged ?? 0) > 0 }
        }
        return scenario
    }

    private static func controls(in fleet: ProcessFleet, _ notes: SoakNotes) async -> [String: FaultControl] {
        do {
            let library = try await FaultLibrary(compilingIn: fleet.directory)
            var controls: [String: FaultControl] = [:]
            for name in ["cloud"] + SoakGroup.cores + things { controls[name] = try library.control(name) }
            return controls
        } catch {
            notes.add("clock jumps and failing syncs are left out: \(error)")
            return [:]
        }
    }

    private static func disk(for fleet: ProcessFleet, _ notes: SoakNotes) async -> SmallDisk? {
        do {
            // A core keeps 24 MiB aside; what it has to store fits in beside that.
            return try await SmallDisk(at: fleet.statePath(SoakGroup.coreWithSmallDisk), mebibytes: 64)
        } catch {
            notes.add("full disks are left out: \(error)")
            return nil
        }
    }

    private static func links(of fleet: ProcessFleet, _ proxy: FaultProxy) async throws -> [String: FaultLink]
    {
        let cloud = try fleet.port("cloud")
        var ends = [(line("things", to: "cloud"), cloud)]
        for core in SoakGroup.cores {
            ends.append((line(core, to: "cloud"), cloud))
            ends.append((line("things", to: core), try fleet.port(core)))
        }
        var links: [String: FaultLink] = [:]
        for (name, target) in ends {
            links[name] = try await proxy.link(name, to: target, at: fleet.port(name))
        }
        return links
    }

    // MARK: Looking

    func statistics(_ thing: String) -> ThingStatistics? {
        FleetThing(thing, in: fleet).snapshot()?.statistics
    }

    /// Messages in a core's streams that the cloud has not acknowledged, as its database says; nil where that cannot be
    /// read at the moment.
    func depth(of core: String) -> UInt64? { try? CoreFiles.depth(in: fleet.statePath(core)) }

    /// Resident memory of a process in MiB; nil where it does not run.
    func memory(of name: String) async -> Int? {
        guard let processID = await members.processID(name),
            let status = try? String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
            let kibibytes = line.split(separator: " ").compactMap({ Int($0) }).first
        else { return nil }
        return kibibytes / 1_024
    }
}
