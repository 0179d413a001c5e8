/// Why there is no sample.
///
/// The descriptions are one sentence each: what, where, and what to do.
public enum BME680Error: Error, Hashable, Sendable {
    /// Nothing answers at any of the addresses.
    case noDevice(addresses: [UInt8], bus: String)
    /// Something answers that is no BME680.
    case wrongChip(found: UInt8, address: UInt8, bus: String)
    /// The bus itself fails.
    case bus(I2CError)
    /// The coefficients in the device's memory cannot be real.
    case implausibleCalibration(address: UInt8, bus: String)
    /// The measurement was started and did not end in time.
    case notReady(after: Duration, address: UInt8, bus: String)
    /// A value that no working sensor gives.
    case implausible(quantity: Quantity, value: Double)
    /// The data registers still hold what they hold after a reset.
    case noData(address: UInt8, bus: String)

    /// What is measured, with the range in which the sensor works (data sheet, section 1).
    public enum Quantity: String, Hashable, Sendable, CaseIterable {
        case temperature
        case pressure
        case humidity
        case gasResistance = "gas resistance"

        /// The unit.
        public var unit: String {
            switch self {
            case .temperature: "°C"
            case .pressure: "hPa"
            case .humidity: "%RH"
            case .gasResistance: "Ω"
            }
        }

        /// What a working sensor gives. The humidity is judged before it is limited to 0 to 100, and near both
        /// ends of its range a good sensor may overshoot a little.
        public var plausible: ClosedRange<Double> {
            switch self {
            case .temperature: -40...85
            case .pressure: 300...1_100
            case .humidity: -20...130
            case .gasResistance: 1...1e9
            }
        }
    }
}

extension BME680Error: CustomStringConvertible {
    /// One sentence.
    public var description: String {
        switch self {
        case .noDevice(let addresses, let bus):
            let places = addresses.map(hexadecimal).joined(separator: " or ")
            return "No BME680 answers on \(bus) at \(places); check its wiring and power."
        case .wrongChip(let found, let address, let bus):
            let kind = Self.knownChips[found].map { " (\($0))" } ?? ""
            return "The device at \(hexadecimal(address)) on \(bus) is no BME680: its chip id is "
                + "\(hexadecimal(found))\(kind), not 0x61."
        case .bus(let error):
            return error.description
        case .implausibleCalibration(let address, let bus):
            return
                "The BME680 at \(hexadecimal(address)) on \(bus) has no calibration that can be real; check "
                + "its wiring, or it is broken."
        case .notReady(let after, let address, let bus):
            return
                "The BME680 at \(hexadecimal(address)) on \(bus) was not ready \(Self.text(after)) after a "
                + "measurement was started; check its power."
        case .implausible(let quantity, let value):
            let range = quantity.plausible
            return
                "The BME680 gives a \(quantity.rawValue) of \(Self.rounded(value)) \(quantity.unit), which is "
                + "outside \(Self.rounded(range.lowerBound)) to \(Self.rounded(range.upperBound)) "
                + "\(quantity.unit); check its wiring, or it is broken."
        case .noData(let address, let bus):
            return
                "The BME680 at \(hexadecimal(address)) on \(bus) says that it measured and has no data; check "
                + "its power."
        }
    }

    /// Other chips of the maker that people plug in by mistake.
    private static let knownChips: [UInt8: String] = [
        0x55: "a BMP180", 0x56: "a BMP280", 0x57: "a BMP280", 0x58: "a BMP280", 0x60: "a BME280",
        0x50: "a BMP388", 0x00: "the line is held low", 0xFF: "the line is held high",
    ]

    private static func rounded(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
        let tenths = (value * 10).rounded() / 10
        return tenths == tenths.rounded() ? "\(Int64(tenths))" : "\(tenths)"
    }

    private static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return "\(seconds * 1_000 + attoseconds / 1_000_000_000_000_000) ms"
    }
}
