/// How the sensor measures. The defaults suit air in rooms.
public struct BME680Settings: Hashable, Sendable {
    /// How many conversions are averaged within one measurement: more mean less noise and more time.
    public enum Oversampling: Int, CaseIterable, Hashable, Sendable {
        /// Not measured; the sample has no such value.
        case off = 0
        case x1 = 1
        case x2 = 2
        case x4 = 4
        case x8 = 8
        case x16 = 16

        /// The three bits `osrs` (data sheet, section 5.3.2).
        var bits: UInt8 {
            switch self {
            case .off: 0
            case .x1: 1
            case .x2: 2
            case .x4: 3
            case .x8: 4
            case .x16: 5
            }
        }
    }

    /// Strength of the filter over successive temperatures and pressures, which takes out short disturbances
    /// such as a slammed door and answers to changes more slowly. Humidity and gas are not filtered.
    public enum Filter: Int, CaseIterable, Hashable, Sendable {
        case off = 0
        case x1 = 1
        case x3 = 3
        case x7 = 7
        case x15 = 15
        case x31 = 31
        case x63 = 63
        case x127 = 127

        /// The three bits `filter` (data sheet, section 5.3.2).
        var bits: UInt8 {
            UInt8(truncatingIfNeeded: (rawValue + 1).trailingZeroBitCount)
        }
    }

    /// The hot plate of the gas sensor.
    public struct Heater: Hashable, Sendable {
        /// Temperatures that the plate can be given, in °C.
        public static let temperatures = 200.0...400.0
        /// Times that the register can say. Heating up takes 20 to 30 ms of it.
        public static let durations = Duration.milliseconds(1)...Duration.milliseconds(4_032)

        /// Target in °C, 320 by default.
        public var temperature: Double
        /// How long it is on before the gas is measured, 150 ms by default; shortened to the next step of the
        /// register (whole milliseconds up to 63, then steps of 4, 16 and 64 ms).
        public var duration: Duration

        /// Makes a heater's settings; ``BME680Settings/validate()`` checks them.
        public init(temperature: Double = 320, duration: Duration = .milliseconds(150)) {
            self.temperature = temperature
            self.duration = duration
        }
    }

    /// Conversions of the temperature; cannot be off, because everything else is computed with it.
    public var temperatureOversampling = Oversampling.x8
    /// Conversions of the pressure.
    public var pressureOversampling = Oversampling.x4
    /// Conversions of the humidity.
    public var humidityOversampling = Oversampling.x2
    /// The filter.
    public var filter = Filter.x3
    /// The heater; nil measures no gas, which saves most of the time and of the sensor's own warmth.
    public var heater: Heater? = Heater()
    /// Added to the temperature that is reported, in °C, -50 to 50; the other values are computed with the
    /// temperature that was measured.
    public var temperatureOffset = 0.0

    /// The defaults: temperature 8×, pressure 4×, humidity 2×, filter 3, heater at 320 °C for 150 ms.
    public init() {}

    /// Refuses what the sensor cannot do.
    ///
    /// - Throws: ``InvalidBME680Settings``.
    public func validate() throws(InvalidBME680Settings) {
        if temperatureOversampling == .off {
            throw InvalidBME680Settings(
                "The oversampling of the temperature cannot be off, because the other values are computed with it."
            )
        }
        if !(-50.0...50.0).contains(temperatureOffset) {
            throw InvalidBME680Settings(
                "The temperature offset is between -50 and 50 °C, not \(temperatureOffset).")
        }
        guard let heater else { return }
        if !Heater.temperatures.contains(heater.temperature) {
            throw InvalidBME680Settings(
                "The gas heater's temperature is between 200 and 400 °C, not \(heater.temperature).")
        }
        if !Heater.durations.contains(heater.duration) {
            throw InvalidBME680Settings(
                "The gas heater's duration is between 1 and 4032 ms, not \(heater.duration).")
        }
    }

    /// How long one measurement takes at most, without heating: the device is awake for 1 ms, each conversion
    /// takes 1,963 µs and each switch between two quantities 477 µs (BME68x Sensor API, `bme68x_get_meas_dur`).
    public var conversionDuration: Duration {
        let conversions =
            temperatureOversampling.rawValue + pressureOversampling.rawValue + humidityOversampling.rawValue
        return .microseconds(1_963 * conversions + 477 * 4 + 477 * 5 + 1_000)
    }

    /// How long one measurement takes at most, with heating.
    public var measuringDuration: Duration {
        conversionDuration
            + .milliseconds(heater.map { GasWait.milliseconds(register: $0.waitRegister) } ?? 0)
    }

    var humidityControl: UInt8 { humidityOversampling.bits }
    var measureControl: UInt8 { temperatureOversampling.bits << 5 | pressureOversampling.bits << 2 }
    var configuration: UInt8 { filter.bits << 2 }
    var gasControl0: UInt8 { heater == nil ? Register.heaterOff : 0 }

    /// The register 0x71: gas on or off, first heater set point.
    func gasControl1(_ variant: BME680Variant) -> UInt8 { heater == nil ? 0 : variant.runGas }
}

extension BME680Settings.Heater {
    /// The register `gas_wait_0`.
    var waitRegister: UInt8 {
        let (seconds, attoseconds) = duration.components
        return GasWait.register(milliseconds: Int(seconds) * 1_000 + Int(attoseconds / 1_000_000_000_000_000))
    }
}

/// Settings that the sensor cannot have.
public struct InvalidBME680Settings: Error, Hashable, Sendable, CustomStringConvertible {
    /// One sentence: what is wrong and what is allowed.
    public let description: String

    init(_ description: String) { self.description = description }
}
