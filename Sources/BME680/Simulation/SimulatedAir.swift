#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The air of a hall, and the processor of a small computer that warms the sensor beside it.
///
/// Everything is a function of the seed and the time, without memory: the same seed and time give the same
/// values, in whatever order and how often they are asked for.
///
/// - The room: a daily course, weather over days, and faster variation; about 15 to 27 °C, 1,000 to 1,025 hPa,
///   20 to 90 %RH.
/// - The processor: 45 to 60 °C, following its load over some ten seconds.
/// - The sensor: half way between the two, following the processor some seconds late, so that twice its
///   temperature less the mean of the processor's over the last 8 s is about the room's. The air at it is
///   drier than the room's, as warm air is.
public struct SimulatedAir: Hashable, Sendable {
    private let seed: UInt64

    /// Time constant of the sensor's warming, in seconds. The mean age of what it feels is as much, and that of
    /// a mean over 8 s half of 8.
    private static let lag = 4.0

    /// Makes the air of a seed.
    public init(seed: UInt64) {
        self.seed = seed
    }

    /// The air of the room.
    ///
    /// - Parameter time: Seconds since 1970; what is further than 3,000 years away counts as that far.
    public func room(at time: Double) -> AirAtSensor {
        let time = Self.bounded(time)
        let day = 2 * Double.pi * time / 86_400
        // Warmest in the afternoon (UTC), weather fronts every five days or so.
        let daily = sin(day - 2.3)
        let front = sin(day / 5.3 + 2 * Double.pi * uniform(.weather, 0))
        let humidity = 48 - 9 * daily + 8 * front + 1.5 * smooth(.humidity, time, every: 45)
        return AirAtSensor(
            temperature: 21 + 2.8 * daily + 1.2 * front + 0.6 * smooth(.temperature, time, every: 90)
                + 0.1 * smooth(.draught, time, every: 10),
            pressure: 1_012.5 - 9 * front + 0.8 * sin(2 * day) + 0.15 * smooth(.pressure, time, every: 60),
            humidity: min(max(humidity, 20), 90),
            gasResistance: 90_000
                * exp(0.6 * smooth(.gas, time, every: 1_800) + 0.1 * smooth(.breath, time, every: 20)))
    }

    /// The temperature of the processor in °C.
    ///
    /// - Parameter time: Seconds since 1970.
    public func processorTemperature(at time: Double) -> Double {
        let time = Self.bounded(time)
        return 52.5 + 5.5 * smooth(.load, time, every: 15) + 1.5 * smooth(.bursts, time, every: 6)
    }

    /// The air at the sensor.
    ///
    /// - Parameter time: Seconds since 1970.
    public func atSensor(at time: Double) -> AirAtSensor {
        let time = Self.bounded(time)
        let room = room(at: time)
        // What the sensor feels of the processor: older warmth counts less and less.
        var felt = 0.0
        var weights = 0.0
        for age in 0..<25 {
            let weight = exp(-Double(age) / Self.lag)
            felt += weight * processorTemperature(at: time - Double(age))
            weights += weight
        }
        let temperature = (room.temperature + felt / weights) / 2 + noise(.temperature, time, 0.01)
        // The same water in warmer air: the relative humidity falls as the saturation pressure grows.
        let humidity =
            room.humidity * Self.saturation(room.temperature) / Self.saturation(temperature)
            + noise(.humidity, time, 0.05)
        return AirAtSensor(
            temperature: temperature, pressure: room.pressure + noise(.pressure, time, 0.01),
            humidity: min(max(humidity, 0), 100), gasResistance: room.gasResistance)
    }

    /// Pressure of saturated water vapour in hPa (Alduchov and Eskridge 1996, the Magnus form).
    private static func saturation(_ celsius: Double) -> Double {
        6.109_4 * exp(17.625 * celsius / (243.04 + celsius))
    }

    // MARK: chance

    private enum Channel: UInt64 {
        case weather = 1
        case temperature, draught, pressure, humidity, gas, breath, load, bursts
    }

    private static func bounded(_ time: Double) -> Double {
        time.isNaN ? 0 : min(max(time, -1e11), 1e11)
    }

    /// Between -1 and 1, changing from one random value to the next every so many seconds without a corner.
    private func smooth(_ channel: Channel, _ time: Double, every seconds: Double) -> Double {
        let position = time / seconds
        let before = position.rounded(.down)
        let part = position - before
        let blend = part * part * (3 - 2 * part)
        let index = Int64(before)
        return uniform(channel, index) * (1 - blend) + uniform(channel, index + 1) * blend
    }

    /// White noise, the same within one millisecond.
    private func noise(_ channel: Channel, _ time: Double, _ deviation: Double) -> Double {
        let index = Int64((time * 1_000).rounded(.down))
        // The sum of three even values is near enough to normal.
        return (0..<3).reduce(0.0) { $0 + uniform(channel, index &* 3 &+ Int64($1), salt: 0xA5A5) }
            * deviation
    }

    /// Evenly spread in -1 to 1: SplitMix64's mixing of seed, channel and index (Steele, Lea, Flood 2014,
    /// https://doi.org/10.1145/2714064.2660195).
    private func uniform(_ channel: Channel, _ index: Int64, salt: UInt64 = 0) -> Double {
        var value = seed
        for part in [channel.rawValue &+ salt, UInt64(bitPattern: index)] {
            value = (value ^ part) &+ 0x9E37_79B9_7F4A_7C15
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            value ^= value >> 31
        }
        return Double(value >> 11) * 0x1p-52 - 1
    }
}
