public import Foundation

/// Air as a BME680 in a hall would find it: a daily course, weather over days, and fast noise.
///
/// Temperature in °C (about 14 to 28), pressure in hPa (about 990 to 1035), relative humidity in %RH (20 to
/// 90, falling when it gets warmer). With the same seed and times the values are the same.
public struct SimulatedSource: ReadingSource {
    private var generator: SeededGenerator
    private var interval: Duration
    private let weather: Double
    private var drift = (temperature: 0.0, pressure: 0.0, humidity: 0.0)

    /// The shortest interval: 10 ms.
    public static let shortestInterval: Duration = .milliseconds(10)

    /// Makes a simulated sensor.
    ///
    /// - Parameters:
    ///   - seed: The same seed gives the same air.
    ///   - interval: Time between readings, at least ``shortestInterval``.
    public init(seed: UInt64, interval: Duration = .seconds(1)) {
        generator = SeededGenerator(seed: seed)
        self.interval = max(interval, Self.shortestInterval)
        weather = Double.random(in: 0..<(2 * .pi), using: &generator)
    }

    /// The next reading; never nil.
    public mutating func next(after now: Date) async throws -> SourcedReading? {
        let seconds = now.timeIntervalSince1970 + interval.seconds
        let day = 2 * Double.pi * seconds / 86_400
        // Warmest in the afternoon (UTC), weather fronts every five days or so.
        let daily = sin(day - 2.3)
        let front = sin(day / 5.3 + weather)
        // First-order noise that forgets over about 30 readings.
        drift.temperature = drift.temperature * 0.97 + noise(0.05)
        drift.pressure = drift.pressure * 0.97 + noise(0.06)
        drift.humidity = drift.humidity * 0.97 + noise(0.25)
        let temperature = 21 + 2.8 * daily + 1.2 * front + drift.temperature + noise(0.02)
        let pressure = 1_012.5 - 9 * front + 0.8 * sin(2 * day) + drift.pressure + noise(0.02)
        let humidity = 48 - 9 * daily + 8 * front + drift.humidity + noise(0.1)
        return SourcedReading(
            delay: interval,
            values: [
                "temperature": .double(rounded(temperature)), "pressure": .double(rounded(pressure)),
                "humidity": .double(rounded(min(max(humidity, 20), 90))),
            ],
            units: ["temperature": "°C", "pressure": "hPa", "humidity": "%RH"])
    }

    /// Changes the interval; values below ``shortestInterval`` are raised to it.
    public mutating func setInterval(_ interval: Duration) -> Bool {
        self.interval = max(interval, Self.shortestInterval)
        return true
    }

    /// Roughly normal: the sum of three uniform values.
    private mutating func noise(_ deviation: Double) -> Double {
        var sum = 0.0
        for _ in 0..<3 { sum += Double.random(in: -1...1, using: &generator) }
        return sum * deviation
    }

    private func rounded(_ value: Double) -> Double {
        (value * 100).rounded() / 100
    }
}

extension Duration {
    /// The duration in seconds.
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
