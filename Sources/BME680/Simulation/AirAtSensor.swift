/// What a sensor is in.
public struct AirAtSensor: Hashable, Sendable {
    /// °C.
    public var temperature: Double
    /// hPa.
    public var pressure: Double
    /// %RH.
    public var humidity: Double
    /// Resistance that the gas has on the hot plate, in Ω.
    public var gasResistance: Double

    /// Makes air.
    public init(
        temperature: Double = 21, pressure: Double = 1_013.25, humidity: Double = 45,
        gasResistance: Double = 90_000
    ) {
        self.temperature = temperature
        self.pressure = pressure
        self.humidity = humidity
        self.gasResistance = gasResistance
    }
}
