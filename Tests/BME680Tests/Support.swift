import Testing

@testable import BME680

/// A sensor and the simulated device that it talks to, on one clock.
struct Bench {
    let clock = LeapingClock()
    let device: SimulatedBME680
    let sensor: BME680Sensor

    init(
        settings: BME680Settings = BME680Settings(), address: BME680Address = .automatic,
        at place: UInt8 = 0x76,
        variant: BME680Variant = .bme680, calibration: BME680Calibration = .plausible,
        air: @escaping @Sendable (Duration) -> AirAtSensor = { _ in AirAtSensor() }
    ) throws {
        device = SimulatedBME680(
            name: "/dev/i2c-1", address: place, variant: variant, calibration: calibration, clock: clock,
            air: air)
        sensor = try BME680Sensor(bus: device, address: address, settings: settings, clock: clock)
    }

    /// The error of the next sample.
    func failure() async -> BME680Error? {
        do {
            _ = try await sensor.sample()
            return nil
        } catch {
            return error as? BME680Error
        }
    }
}

func near(_ value: Double?, _ wanted: Double, _ tolerance: Double) -> Bool {
    value.map { abs($0 - wanted) <= tolerance } ?? false
}
