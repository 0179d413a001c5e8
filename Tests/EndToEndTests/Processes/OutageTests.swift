import Foundation
import TestSupport
import Testing
import ThingClient

/// A core without a cloud, and programs that are asked to end.
@Suite(.serialized) struct OutageTests {
    @Test("a core starts and works while the cloud is away, and brings everything when it is back")
    func coreWithoutCloud() async throws {
        try await ProcessFleet.with { fleet in
            let (admin, _) = try await Self.deployed(fleet)
            let thing = FleetThing("press-1", in: fleet)
            // Once with the cloud, so that the thing is enrolled and knows its core.
            let first = try thing.start(["--interval", "0.02", "--count", "5"])
            #expect(try await first.waitForExit(within: .seconds(60)) == .code(0))

            let (cloud, core) = (try fleet.process("cloud"), try fleet.process("core-a"))
            #expect(try await cloud.terminate(within: .seconds(15)).exit == .code(0))
            try await core.kill9()
            try await fleet.startCore("core-a")
            let second = try thing.start(["--interval", "0.01", "--count", "200", "--flush-timeout", "60"])
            #expect(try await second.waitForExit(within: .seconds(60)) == .code(0))
            #expect(thing.snapshot()?.statistics.acknowledged == 200, "the core alone acknowledges")

            try await fleet.startCloud()
            let audit = try await Self.settled(thing, admin)
            #expect(audit.acknowledgedCount == 205)
            #expect(audit.absentCount == 0)
        }
    }

    @Test("SIGTERM ends core and cloud with code 0 within 15 s, and loses nothing") func gracefulEnd()
        async throws
    {
        try await ProcessFleet.with { fleet in
            let (admin, things) = try await Self.deployed(fleet)
            let thing = things[0]
            let publisher = try thing.start(["--interval", "0.01", "--flush-timeout", "60"])
            try await eventually("readings are acknowledged", within: .seconds(60)) {
                (thing.snapshot()?.statistics.acknowledged ?? 0) > 0
            }
            var stored = 0
            for program in ["core-a", "cloud", "core-a", "cloud"] {
                // Under load all the way: what it acknowledges arrives in the cloud again.
                stored = try await eventually("messages arrive in the cloud", within: .seconds(60)) {
                    var audit = DeliveryAudit()
                    try await admin.collect(into: &audit, things: [thing.name])
                    return audit.storedCount > stored + 20 ? audit.storedCount : nil
                }
                let (exit, duration) = try await fleet.process(program).terminate(within: .seconds(15))
                print("graceful end: \(program) took \(duration)")
                #expect(exit == .code(0), "\(program) under load")
                if program == "cloud" {
                    try await fleet.startCloud()
                } else {
                    try await fleet.startCore(program)
                }
            }
            publisher.signal(15)
            #expect(try await publisher.waitForExit(within: .seconds(90)) == .code(0))
            let statistics = try #require(thing.snapshot()?.statistics)
            #expect(statistics.unsettled == 0)
            #expect(statistics.acknowledged == statistics.published)
            let audit = try await Self.settled(thing, admin)
            #expect(audit.absentCount == 0)
            #expect(UInt64(audit.storedCount) == statistics.published)
        }
    }

    /// A cloud and a core with a deployed group of one thing.
    private static func deployed(_ fleet: ProcessFleet) async throws -> (FleetOperator, [FleetThing]) {
        try await fleet.startCloud()
        let admin = try await FleetOperator(enrollingIn: fleet)
        try await admin.register(cores: ["core-a"], things: ["press-1"])
        try await admin.apply(group: "mill", cores: ["core-a"], things: ["press-1"])
        let core = try await fleet.startCore("core-a", waits: false)
        try await admin.deploy(group: "mill")
        try await fleet.waitForPorts("core-a", core)
        return (admin, [FleetThing("press-1", in: fleet)])
    }

    /// Waits until all that was acknowledged has arrived.
    private static func settled(_ thing: FleetThing, _ admin: FleetOperator) async throws -> DeliveryAudit {
        try await eventually("everything acknowledged is stored", within: .seconds(60)) {
            var audit = DeliveryAudit()
            for (run, ranges) in try thing.acknowledged() {
                for range in ranges { audit.acknowledge(run, range) }
            }
            try await admin.collect(into: &audit, things: [thing.name])
            return audit.violations.isEmpty && audit.absentCount == 0 ? audit : nil
        }
    }
}
