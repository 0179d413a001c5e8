import BME680
import Foundation
import TestSupport
import Testing

@testable import ThingClient

@Suite("Failed samples on their way", .timeLimit(.minutes(5)))
struct FailedSampleTests {
    @Test func aFailedSampleArrivesAsAReadingWithStatusAndReasonAndTheThingGoesOn() async throws {
        try await FakeServer.run(1) { servers in
            var configuration = ThingConfiguration(state: "unused")
            configuration.flushTimeout = .seconds(30)
            let thing = try Thing(configuration: configuration, network: FakeNetwork(servers.map(\.target)))
            let clock = LeapingClock()
            let device = SimulatedBME680(name: "/dev/i2c-1", clock: clock) { _ in AirAtSensor() }
            let sensor = try BME680Sensor(bus: device, clock: clock)
            try await runScoped(thing) { thing in
                var source = BME680Source(sensor: sensor, interval: .seconds(1), clock: clock)
                for number in 1...4 {
                    device.setFault(number == 2 ? .unplugged : number == 3 ? .neverReady : nil)
                    clock.advance(by: .seconds(1))
                    let next = try await source.next(after: noon)
                    let reading = try #require(next)
                    try await thing.publish(try reading.message(topic: "t/readings", at: noon))
                }
            }
            let state = servers[0].service.state
            #expect(state.readings == [1, 4])
            #expect(state.failed.keys.sorted() == [2, 3])
            #expect(
                state.failed[2] == "No BME680 answers on /dev/i2c-1 at 0x76; check its wiring and power.")
            #expect(state.failed[3]?.contains("was not ready") == true)
            #expect(thing.statistics.acknowledged == 4)
        }
    }
}
