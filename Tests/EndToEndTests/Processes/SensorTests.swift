import Foundation
import HedgerowAPI
import TestSupport
import Testing
import ThingClient

/// `hedgerow thing run --sensor` as a process, with a core and a cloud.
@Suite(.serialized) struct SensorTests {
    @Test("a thing without its sensor publishes failed readings with the reason, and goes on")
    func missingSensor() async throws {
        try await ProcessFleet.with { fleet in
            let admin = try await Self.deployed(fleet)
            let thing = FleetThing("press-1", in: fleet)
            let run = try thing.start([
                "--sensor", "bme680", "--i2c-bus", "/dev/i2c-does-not-exist", "--interval", "0.2", "--count",
                "5",
            ])
            #expect(try await run.waitForExit(within: .seconds(60)) == .code(0))
            #expect(thing.snapshot()?.statistics.acknowledged == 5)
            // Five failed samples, one line about them.
            let lines = run.logTail().split(separator: "\n").filter { $0.contains("No reading:") }
            #expect(lines.count == 1, "\(lines)")
            let readings = try await eventually("the failed readings are stored", within: .seconds(30)) {
                let found = try await Self.readings(of: thing.name, admin)
                return found.count >= 5 ? found : nil
            }
            #expect(readings.count == 5)
            for reading in readings {
                #expect(reading.status == .failed)
                #expect(reading.values.isEmpty)
                #expect(
                    reading.statusReason
                        == "/dev/i2c-does-not-exist does not exist; enable I2C (raspi-config: Interface Options, "
                        + "I2C) or name another bus.")
            }
        }
    }

    @Test("a simulated sensor publishes four fields and writes the processor's temperature")
    func simulatedSensor() async throws {
        try await ProcessFleet.with { fleet in
            let admin = try await Self.deployed(fleet)
            let thing = FleetThing("press-1", in: fleet)
            let file = "\(fleet.directory)/cpu"
            let run = try thing.start([
                "--seed", "680", "--interval", "0.05", "--count", "20", "--cpu-temperature-file", file,
            ])
            #expect(try await run.waitForExit(within: .seconds(60)) == .code(0))
            let text = try String(contentsOfFile: file, encoding: .utf8)
            let celsius = (Double(text.dropLast()) ?? 0) / 1_000
            #expect((45.0...60.0).contains(celsius))
            let readings = try await eventually("the readings are stored", within: .seconds(30)) {
                let found = try await Self.readings(of: thing.name, admin)
                return found.count >= 20 ? found : nil
            }
            let fields = ["gas_resistance", "humidity", "pressure", "temperature"]
            #expect(readings.allSatisfy { $0.values.keys.sorted() == fields })
            #expect(readings.allSatisfy { $0.status != .failed })
        }
    }

    /// A cloud and a core with a deployed group of one thing.
    private static func deployed(_ fleet: ProcessFleet) async throws -> FleetOperator {
        try await fleet.startCloud()
        let admin = try await FleetOperator(enrollingIn: fleet)
        try await admin.register(cores: ["core-a"], things: ["press-1"])
        try await admin.apply(group: "mill", cores: ["core-a"], things: ["press-1"])
        let core = try await fleet.startCore("core-a", waits: false)
        try await admin.deploy(group: "mill")
        try await fleet.waitForPorts("core-a", core)
        return admin
    }

    /// The thing's readings in the cloud, at most one page of them.
    private static func readings(
        of thing: String, _ admin: FleetOperator
    ) async throws -> [Hedgerow_Type_V1_Reading] {
        try await admin.call { client in
            var request = Hedgerow_Telemetry_V1_QueryRequest()
            request.thing = thing
            request.pageSize = 1_000
            let page = try await Hedgerow_Telemetry_V1_TelemetryService.Client(wrapping: client).query(
                request)
            return page.records.map(\.message.reading)
        }
    }
}
