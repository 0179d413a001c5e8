/// The temperature at the resolution that the other compensations need, Bosch's `t_fine`.
public struct FineTemperature: Hashable, Sendable {
    /// In units of 1/5120 °C.
    public var value: Double

    /// Takes a value in units of 1/5120 °C.
    public init(_ value: Double) { self.value = value }

    /// In °C.
    public var celsius: Double { value / 5_120 }

    /// The temperature with so many °C added.
    public func adding(celsius: Double) -> FineTemperature { FineTemperature(value + celsius * 5_120) }
}

/// From what the converter gives to physical units, and from heater settings to registers.
///
/// The formulas are the floating-point ones of Bosch: data sheet BST-BME680-DS001, section 3.3 "Measurement flow"
/// (temperature 3.3.1, pressure 3.3.2, humidity 3.3.3), section 3.4.1 (gas), and the BME68x Sensor API
/// (https://github.com/boschsensortec/BME68x_SensorAPI) for the gas resistance of the BME688. Everything is
/// computed with 64 bits: the 32-bit integers of Bosch's other form overflow above about 106 kPa, which is
/// within the sensor's range.
extension BME680Calibration {
    /// Temperature from 20 bits of the converter.
    public func fineTemperature(adc: UInt32) -> FineTemperature {
        let reading = Double(adc)
        let linear = (reading / 16_384 - Double(parT1) / 1_024) * Double(parT2)
        let deviation = reading / 131_072 - Double(parT1) / 8_192
        return FineTemperature(linear + deviation * deviation * Double(parT3) * 16)
    }

    /// Pressure in Pa from 20 bits of the converter; 0 where the coefficients allow none.
    public func pressure(adc: UInt32, at temperature: FineTemperature) -> Double {
        let centred = temperature.value / 2 - 64_000
        var offset = centred * centred * Double(parP6) / 131_072
        offset += centred * Double(parP5) * 2
        offset = offset / 4 + Double(parP4) * 65_536
        let sensitivity =
            (1 + (Double(parP3) * centred * centred / 16_384 + Double(parP2) * centred) / 524_288 / 32_768)
            * Double(parP1)
        guard sensitivity != 0 else { return 0 }
        let pressure = (1_048_576 - Double(adc) - offset / 4_096) * 6_250 / sensitivity
        let square = Double(parP9) * pressure * pressure / 2_147_483_648
        let linear = pressure * Double(parP8) / 32_768
        let scaled = pressure / 256
        let cube = scaled * scaled * scaled * Double(parP10) / 131_072
        return pressure + (square + linear + cube + Double(parP7) * 128) / 16
    }

    /// Relative humidity in %RH from 16 bits of the converter, not yet limited to 0 to 100.
    public func unlimitedHumidity(adc: UInt32, at temperature: FineTemperature) -> Double {
        let celsius = temperature.celsius
        let reading = Double(adc) - (Double(parH1) * 16 + Double(parH3) / 2 * celsius)
        let gain =
            Double(parH2) / 262_144
            * (1 + Double(parH4) / 16_384 * celsius + Double(parH5) / 1_048_576 * celsius * celsius)
        let linear = reading * gain
        return linear + (Double(parH6) / 16_384 + Double(parH7) / 2_097_152 * celsius) * linear * linear
    }

    /// Relative humidity in %RH from 16 bits of the converter, limited to 0 to 100.
    public func humidity(adc: UInt32, at temperature: FineTemperature) -> Double {
        min(max(unlimitedHumidity(adc: adc, at: temperature), 0), 100)
    }

    /// Resistance of the gas sensor in Ω from 10 bits of the converter and its range, 0 to 15.
    public func gasResistance(adc: UInt32, range: UInt8, variant: BME680Variant) -> Double {
        let range = Int(range & 0x0F)
        let centred = Double(adc) - 512
        switch variant {
        case .bme688:
            return 1_000_000 * Double(262_144 >> range) / (4_096 + 3 * centred)
        case .bme680:
            let first = (1_340 + 5 * Double(rangeSwitchingError)) * (1 + Self.gasFirst[range] / 100)
            let second = 1 + Self.gasSecond[range] / 100
            return 1 / (second * 0.000_000_125 * Double(1 << range) * (centred / first + 1))
        }
    }

    /// Corrections in percent by range (data sheet, section 3.4.1, the two tables of constants).
    private static let gasFirst: [Double] = [0, 0, 0, 0, 0, -1, 0, -0.8, 0, 0, -0.2, -0.5, 0, -1, 0, 0]
    private static let gasSecond: [Double] = [0, 0, 0, 0, 0.1, 0.7, 0, -0.8, -0.1, 0, 0, 0, 0, 0, 0, 0]

    /// The register `res_heat_x` for a temperature of the gas heater (data sheet, section 3.3.5).
    ///
    /// - Parameters:
    ///   - target: °C; above 400 it is taken as 400.
    ///   - ambient: °C around the sensor.
    public func heaterResistance(target: Double, ambient: Double) -> UInt8 {
        let base = Double(parGH1) / 16 + 49
        let slope = Double(parGH2) / 32_768 * 0.000_5 + 0.002_35
        let resistance = base * (1 + slope * min(target, 400)) + Double(parGH3) / 1_024 * ambient
        let register =
            3.4
            * (resistance * (4 / (4 + Double(heaterRange))) * (1 / (1 + Double(heaterValue) * 0.002)) - 25)
        return UInt8(min(max(register, 0), 255))
    }
}
