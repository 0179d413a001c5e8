import Foundation
import TestSupport
import Testing

@testable import BME680

@Suite("Looking for a sensor")
struct ProbeTests {
    private func device(at address: UInt8 = 0x76, fault: SimulatedBME680.Fault? = nil) -> SimulatedBME680 {
        let device = SimulatedBME680(
            name: "/dev/i2c-1", address: address, variant: .bme680, calibration: .plausible,
            clock: LeapingClock(),
            air: { _ in AirAtSensor() })
        device.setFault(fault)
        return device
    }

    @Test func aSensorIsFoundAtEitherAddress() {
        #expect(BME680Probe.look(on: device(at: 0x76)) == .sensor(address: 0x76))
        #expect(BME680Probe.look(on: device(at: 0x77)) == .sensor(address: 0x77))
    }

    @Test func anEmptyBusAnotherChipAndABrokenBusAreToldApart() {
        #expect(BME680Probe.look(on: device(fault: .unplugged)) == .nothing)
        #expect(BME680Probe.look(on: device(fault: .chipID(0x60))) == .other(address: 0x76, chipID: 0x60))
        guard case .unusable(let error) = BME680Probe.look(on: device(fault: .bus(code: EIO))) else {
            Issue.record("the bus was used")
            return
        }
        #expect(error.code == EIO)
        let missing = BME680Probe.look(on: LinuxI2CBus(path: "/dev/i2c-does-not-exist"))
        guard case .unusable = missing else {
            Issue.record("a bus that is not there: \(missing)")
            return
        }
    }

    @Test func busesAreListedByNumber() async throws {
        try await withTemporaryDirectory { directory in
            for name in ["i2c-10", "i2c-2", "i2c-x", "null"] {
                try Data().write(to: URL(fileURLWithPath: "\(directory)/\(name)"))
            }
            #expect(BME680Probe.buses(in: directory) == ["\(directory)/i2c-2", "\(directory)/i2c-10"])
            #expect(BME680Probe.buses(in: directory + "/none").isEmpty)
        }
    }
}
