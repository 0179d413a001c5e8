/// What the device has measured, as it stands in the 17 registers from 0x1D (data sheet, sections 5.3.4 and 5.3.5, and the
/// BME68x Sensor API for the BME688's last two).
public struct MeasurementField: Hashable, Sendable {
    /// Bytes of the field.
    public static let size = 17
    /// What the registers of a quantity hold that was not measured.
    static let notMeasured20: UInt32 = 0x80000
    static let notMeasured16: UInt32 = 0x8000

    /// A measurement has ended since the last one was started.
    public let isNew: Bool
    /// One is under way.
    public let isMeasuring: Bool
    /// The gas value is real, not left from the measurement before.
    public let isGasValid: Bool
    /// The heater reached its temperature in the time given.
    public let isHeaterStable: Bool
    /// The heater's set point that was used.
    public let gasIndex: UInt8
    /// A number that the device counts up.
    public let measurementIndex: UInt8
    /// 20 bits.
    public let temperature: UInt32
    /// 20 bits.
    public let pressure: UInt32
    /// 16 bits.
    public let humidity: UInt32
    /// 10 bits.
    public let gas: UInt32
    /// 0 to 15.
    public let gasRange: UInt8

    /// Reads the field; nil where there are other than 17 bytes.
    public init?(_ bytes: [UInt8], variant: BME680Variant) {
        guard bytes.count == Self.size else { return nil }
        func twenty(_ at: Int) -> UInt32 {
            UInt32(bytes[at]) << 12 | UInt32(bytes[at + 1]) << 4 | UInt32(bytes[at + 2] >> 4)
        }
        isNew = bytes[0] & 0x80 != 0
        // `measuring`, and `gas_measuring` for its second part.
        isMeasuring = bytes[0] & 0x60 != 0
        gasIndex = bytes[0] & 0x0F
        measurementIndex = bytes[1]
        pressure = twenty(2)
        temperature = twenty(5)
        humidity = UInt32(bytes[8]) << 8 | UInt32(bytes[9])
        let low = variant == .bme680 ? 13 : 15
        gas = UInt32(bytes[low]) << 2 | UInt32(bytes[low + 1] >> 6)
        gasRange = bytes[low + 1] & 0x0F
        isGasValid = bytes[low + 1] & 0x20 != 0
        isHeaterStable = bytes[low + 1] & 0x10 != 0
    }
}
