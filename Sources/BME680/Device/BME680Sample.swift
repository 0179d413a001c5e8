/// One sample, in physical units.
public struct BME680Sample: Hashable, Sendable {
    /// What came of the gas measurement.
    public enum Gas: Hashable, Sendable {
        /// The resistance of the gas sensor in Ω; falls with the amount of organic vapours in the air.
        case resistance(Double)
        /// The heater did not reach its temperature in the time given: lengthen it or lower the temperature.
        case heaterNotStable
        /// The device says that its value is not real.
        case notValid
        /// It was not asked for.
        case off
    }

    /// °C.
    public let temperature: Double
    /// hPa; nil where it is off.
    public let pressure: Double?
    /// %RH, 0 to 100; nil where it is off.
    public let humidity: Double?
    /// The gas measurement.
    public let gas: Gas

    /// The resistance of the gas sensor in Ω; nil where there is no valid one.
    public var gasResistance: Double? {
        if case .resistance(let value) = gas { value } else { nil }
    }
}
