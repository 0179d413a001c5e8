public import BME680
public import FoundationEssentials
import Synchronization

/// Readings of a BME680, real or simulated: `temperature` in °C, `pressure` in hPa, `humidity` in %RH and
/// `gas_resistance` in Ω.
///
/// What the sensor was told not to measure is left out, and so is a gas resistance that is not valid (the
/// heater not hot enough). A sample that fails is a reading with its reason and without values, and the source
/// goes on: the sensor is looked for and set up anew with the next sample, and where it fails again after 1 s,
/// 2 s, 4 s … ``longestBackoff``. Samples due meanwhile fail with the last reason, without touching the bus.
public struct BME680Source: ReadingSource {
    /// The shortest interval of a simulated sensor: 10 ms.
    public static let shortestInterval: Duration = .milliseconds(10)
    /// The longest pause between two attempts to set up a sensor that fails: 30 s.
    public static let longestBackoff: Duration = .seconds(30)

    /// A failure that has not ended yet.
    private struct Failure: Sendable {
        let reason: String
        /// Failures in a row.
        var count: Int
        /// When to try again, on the source's clock.
        var retry: Duration
    }

    private let sensor: BME680Sensor
    private let elapsed: @Sendable () -> Duration
    private let shortest: Duration
    private var interval: Duration
    private let simulation: Simulation?
    private var failure: Failure?

    /// Makes a source of a sensor.
    ///
    /// - Parameters:
    ///   - sensor: The sensor.
    ///   - interval: Time between readings; raised to what one measurement takes.
    ///   - clock: What the pauses after failures are measured on.
    public init(
        sensor: BME680Sensor, interval: Duration, clock: some Clock<Duration> = ContinuousClock()
    ) {
        self.init(
            sensor: sensor, interval: interval, shortest: sensor.settings.measuringDuration, clock: clock,
            simulation: nil)
    }

    private init(
        sensor: BME680Sensor, interval: Duration, shortest: Duration, clock: some Clock<Duration>,
        simulation: Simulation?
    ) {
        self.sensor = sensor
        self.shortest = shortest
        self.interval = max(interval, shortest)
        self.simulation = simulation
        let start = clock.now
        elapsed = { start.duration(to: clock.now) }
    }

    /// A simulated sensor: the driver that talks to real ones, over a bus with a simulated device.
    ///
    /// With the same air, settings and times the readings are the same. Measuring takes its time on a clock of
    /// the simulation's, so the interval may be shorter than a measurement.
    ///
    /// - Parameters:
    ///   - air: The air in which the sensor is.
    ///   - interval: Time between readings, at least ``shortestInterval``.
    ///   - settings: How to measure.
    /// - Throws: `InvalidBME680Settings`.
    public static func simulated(
        air: SimulatedAir, interval: Duration = .seconds(1), settings: BME680Settings = BME680Settings()
    ) throws(InvalidBME680Settings) -> BME680Source {
        let simulation = Simulation(air: air)
        let sensor = try BME680Sensor(bus: simulation.device, settings: settings, clock: simulation.clock)
        return BME680Source(
            sensor: sensor, interval: interval, shortest: shortestInterval, clock: ContinuousClock(),
            simulation: simulation)
    }

    /// The interval; never nil.
    public mutating func nextDelay(after now: Date) async throws -> Duration? { interval }

    /// Measures; never nil.
    ///
    /// - Throws: `CancellationError` only; every other failure is a reading.
    public mutating func read(at now: Date) async throws -> SourcedReading? {
        simulation?.set(now)
        if let failure, elapsed() < failure.retry {
            return SourcedReading(delay: interval, failure: failure.reason)
        }
        do {
            let sample = try await sensor.sample()
            failure = nil
            return reading(of: sample)
        } catch let error as BME680Error {
            let count = (failure?.count ?? 0) + 1
            failure = Failure(
                reason: error.description, count: count, retry: elapsed() + Self.backoff(after: count))
            return SourcedReading(delay: interval, failure: error.description)
        }
    }

    /// Changes the interval; values that are too short are raised to the shortest.
    public mutating func setInterval(_ interval: Duration) -> Bool {
        self.interval = max(interval, shortest)
        return true
    }

    /// The pause after so many failures in a row: none after the first, which may have been a disturbance.
    static func backoff(after failures: Int) -> Duration {
        guard failures > 1 else { return .zero }
        return min(.seconds(1 << min(failures - 2, 10)), longestBackoff)
    }

    /// Rounded to what the sensor resolves.
    private func reading(of sample: BME680Sample) -> SourcedReading {
        let fields: [(name: String, value: Double?, unit: String)] = [
            ("temperature", rounded(sample.temperature, 100), "°C"),
            ("pressure", rounded(sample.pressure, 100), "hPa"),
            ("humidity", rounded(sample.humidity, 100), "%RH"),
            ("gas_resistance", rounded(sample.gasResistance, 1), "Ω"),
        ]
        var values: [String: ReadingValue] = [:]
        var units: [String: String] = [:]
        for field in fields {
            guard let value = field.value else { continue }
            values[field.name] = .double(value)
            units[field.name] = field.unit
        }
        return SourcedReading(delay: interval, values: values, units: units)
    }

    private func rounded(_ value: Double?, _ steps: Double) -> Double? {
        value.map { ($0 * steps).rounded() / steps }
    }
}

/// A simulated device in simulated air, at the time of day that the source was asked for.
private final class Simulation: Sendable {
    let clock = LeapingClock()
    let device: SimulatedBME680
    private let time: TimeOfDay

    /// Seconds since 1970.
    private final class TimeOfDay: Sendable {
        let seconds = Mutex(0.0)
    }

    init(air: SimulatedAir) {
        let time = TimeOfDay()
        self.time = time
        device = SimulatedBME680(clock: clock) { _ in air.atSensor(at: time.seconds.withLock { $0 }) }
    }

    func set(_ now: Date) { time.seconds.withLock { $0 = now.timeIntervalSince1970 } }
}
