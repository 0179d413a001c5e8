import Foundation
import TestSupport
import Testing
import ThingClient

/// Real programs on disks that are full, cannot sync, or were damaged.
@Suite(.serialized, .timeLimit(.minutes(10))) struct StorageTests {
    @Test("while syncs fail nothing is acknowledged; when they succeed again nothing is missing")
    func failingSyncs() async throws {
        try await ProcessFleet.with { fleet in
            let control = try await FaultLibrary(compilingIn: fleet.directory).control("core-a")
            let (admin, thing) = try await Self.deployed(fleet, environment: control.environment)
            let publisher = try thing.start(["--interval", "0.02", "--flush-timeout", "60"])
            try await Self.acknowledges(thing, moreThan: 20)

            try control.setFailingSyncs(true)
            let failed = try control.failedSyncs
            try await eventually("syncs failed", within: .seconds(30)) {
                try control.failedSyncs > failed + 1
            }
            // What was on its way when they began to fail may have been acknowledged until here.
            let before = try Self.count(thing)
            try await eventually("more syncs failed", within: .seconds(60)) {
                try control.failedSyncs > failed + 4
            }
            #expect(try Self.count(thing) == before, "acknowledged, although no sync succeeded")
            #expect(try fleet.process("core-a").exit == nil)

            try control.setFailingSyncs(false)
            try await Self.acknowledges(thing, moreThan: before + 20)
            try await Self.end(publisher, thing, admin)
        }
    }

    @Test(
        "a disk that something else fills: nothing new is taken, the rest reaches the cloud, and it goes on by itself"
    )
    func fullDisk() async throws {
        try await Self.withSmallDisk(of: "core-a") { fleet, disk in
            let (admin, thing) = try await Self.deployed(fleet, arguments: ["--limits-ballast", "8MiB"])
            let publisher = try thing.start(["--interval", "0.02", "--flush-timeout", "60"])
            try await Self.acknowledges(thing, moreThan: 20)
            // A backlog that is to be exported while the disk is full.
            try await fleet.process("cloud").kill9()
            try await Self.acknowledges(thing, moreThan: Self.count(thing) + 50)
            try disk.fill()
            let core = try fleet.process("core-a")
            try await Self.says("the disk is full", core)
            // What was acknowledged before that has been written down by now.
            try await Self.publishes(thing, more: 25)
            let before = try Self.count(thing)
            try await fleet.startCloud()
            try await Self.arrives(thing, admin)
            try await Self.publishes(thing, more: 25)
            #expect(try Self.count(thing) == before, "acknowledged, although nothing new is taken")
            #expect(core.exit == nil)
            disk.free()
            try await Self.acknowledges(thing, moreThan: before + 20)
            try await Self.says("the disk has room again", core)
            try await Self.end(publisher, thing, admin)
        }
    }

    @Test("while the cloud's disk is full its cores keep what they have, and bring it when there is room")
    func fullDiskOfTheCloud() async throws {
        try await Self.withSmallDisk(of: "cloud") { fleet, disk in
            let (admin, thing) = try await Self.deployed(fleet)
            let publisher = try thing.start(["--interval", "0.02", "--flush-timeout", "60"])
            try await Self.arrives(thing, admin)
            let cloud = try fleet.process("cloud")
            try disk.fill()
            try await Self.says("the disk is full", cloud)
            try await Self.acknowledges(thing, moreThan: Self.count(thing) + 50)
            #expect(cloud.exit == nil)
            disk.free()
            try await Self.end(publisher, thing, admin)
            try await Self.says("the disk has room again", cloud)
        }
    }

    /// Runs a test with a fleet of which one member has a small disk of its own; skips it where none can be mounted.
    private static func withSmallDisk(
        of member: String, _ body: (ProcessFleet, SmallDisk) async throws -> Void
    ) async throws {
        try await ProcessFleet.with { fleet in
            let path = fleet.statePath(member)
            let disk: SmallDisk
            do {
                disk = try await SmallDisk(at: path, mebibytes: 64)
            } catch {
                print("full disk test: skipped: \(error)")
                return
            }
            do {
                try await body(fleet, disk)
                try await fleet.process(member).kill9()
                try await SmallDisk.unmount(path)
            } catch {
                try? await SmallDisk.keepFiles(of: path)
                throw error
            }
        }
    }

    @Test("a core whose database was damaged starts, and what can be read reaches the cloud")
    func damagedDatabase() async throws {
        try await ProcessFleet.with { fleet in
            let (admin, thing) = try await Self.deployed(fleet)
            let first = try thing.start(["--interval", "0.01", "--count", "20", "--flush-timeout", "60"])
            #expect(try await first.waitForExit(within: .seconds(60)) == .code(0))
            try await fleet.process("cloud").kill9()
            let second = try thing.start(["--interval", "0.01", "--count", "600", "--flush-timeout", "60"])
            #expect(try await second.waitForExit(within: .seconds(90)) == .code(0))
            let core = try fleet.process("core-a")
            #expect(try await core.terminate(within: .seconds(20)).exit == .code(0))

            let path = fleet.statePath("core-a") + "/core.sqlite"
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            // A page of batches between others: pages of rows, of which nothing but the batches has so many.
            let pages = (2..<bytes.count / 4_096).filter {
                bytes[$0 * 4_096] == 13 && bytes[$0 * 4_096 + 4] >= 4
            }
            let page = try #require(pages.isEmpty ? nil : pages[pages.count / 2])
            bytes.replaceSubrange(
                page * 4_096..<page * 4_096 + 4_096, with: Data(repeating: 0xEE, count: 4_096))
            try bytes.write(to: URL(fileURLWithPath: path))

            try await fleet.startCloud()
            let restarted = try await fleet.startCore("core-a")
            #expect(restarted.logTail(bytes: 1 << 20).contains("a damaged database was replaced"))
            let files = try FileManager.default.contentsOfDirectory(atPath: fleet.statePath("core-a"))
            #expect(files.contains { $0.hasPrefix("core.sqlite.damaged-") }, "\(files)")

            let audit = try await eventually(
                "all that is left is stored, the rest named", within: .seconds(90)
            ) {
                var audit = DeliveryAudit()
                for (run, ranges) in try thing.acknowledged() {
                    for range in ranges { audit.acknowledge(run, range) }
                }
                try await admin.collect(into: &audit, things: [thing.name])
                return audit.storedCount > 20 && audit.violations.isEmpty ? audit : nil
            }
            print("damaged database: \(audit.acknowledgedCount) acknowledged, \(audit.storedCount) stored")
            // It works on.
            let third = try thing.start(["--interval", "0.01", "--count", "20", "--flush-timeout", "60"])
            #expect(try await third.waitForExit(within: .seconds(60)) == .code(0))
        }
    }

    // MARK: Parts

    /// A cloud and a core with a deployed group of one thing.
    private static func deployed(
        _ fleet: ProcessFleet, arguments: [String] = [], environment: [String: String] = [:]
    ) async throws -> (FleetOperator, FleetThing) {
        try await fleet.startCloud()
        let admin = try await FleetOperator(enrollingIn: fleet)
        try await admin.register(cores: ["core-a"], things: ["press-1"])
        try await admin.apply(group: "mill", cores: ["core-a"], things: ["press-1"])
        let core = try await fleet.startCore("core-a", waits: false, arguments, environment: environment)
        try await admin.deploy(group: "mill")
        try await fleet.waitForPorts("core-a", core)
        return (admin, FleetThing("press-1", in: fleet))
    }

    /// How many messages the thing was told to be safe.
    private static func count(_ thing: FleetThing) throws -> Int {
        try thing.acknowledged().values.joined().reduce(0) { $0 + $1.count }
    }

    private static func acknowledges(_ thing: FleetThing, moreThan number: Int) async throws {
        try await eventually("more than \(number) are acknowledged", within: .seconds(90)) {
            try count(thing) > number
        }
    }

    private static func publishes(_ thing: FleetThing, more count: UInt64) async throws {
        func published() -> UInt64 { thing.snapshot()?.statistics.published ?? 0 }
        let before = published()
        try await eventually("\(count) more are published", within: .seconds(60)) {
            published() > before + count
        }
    }

    private static func says(_ message: String, _ process: FleetProcess) async throws {
        try await eventually("\(process.name) says: \(message)", within: .seconds(90)) {
            process.logTail(bytes: 1 << 20).contains(message)
        }
    }

    /// Waits until all that was acknowledged has arrived, once.
    private static func arrives(_ thing: FleetThing, _ admin: FleetOperator) async throws {
        try await eventually("everything acknowledged is stored", within: .seconds(90)) {
            var audit = DeliveryAudit()
            for (run, ranges) in try thing.acknowledged() {
                for range in ranges { audit.acknowledge(run, range) }
            }
            try await admin.collect(into: &audit, things: [thing.name])
            return audit.violations.isEmpty && audit.absentCount == 0 && audit.acknowledgedCount > 0
        }
    }

    /// Lets the thing end, and waits until all that was acknowledged has arrived.
    private static func end(_ publisher: FleetProcess, _ thing: FleetThing, _ admin: FleetOperator)
        async throws
    {
        publisher.signal(SIGTERM)
        #expect(try await publisher.waitForExit(within: .seconds(90)) == .code(0))
        try await arrives(thing, admin)
    }
}
