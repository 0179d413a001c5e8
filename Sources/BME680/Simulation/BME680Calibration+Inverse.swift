/// The compensation backwards, for a simulated device: what the converter would give for a value.
extension BME680Calibration {
    /// Coefficients as a device has them; made up, within what real devices show.
    public static let plausible = BME680Calibration(
        parT1: 26_112, parT2: 26_420, parT3: 3, parP1: 36_240, parP2: -10_380, parP3: 88, parP4: 7_150,
        parP5: -140, parP6: 30, parP7: 38, parP8: -3_050, parP9: -2_600, parP10: 30, parH1: 760, parH2: 1_012,
        parH3: 0, parH4: 45, parH5: 20, parH6: 120, parH7: -100, parGH1: -34, parGH2: -11_800, parGH3: 18,
        heaterRange: 1, heaterValue: 44, rangeSwitchingError: 1)

    /// The coefficients as the device's memory holds them: the blocks from 0x8A, 0xE1 and 0x00.
    var registers: (first: [UInt8], second: [UInt8], third: [UInt8]) {
        func low(_ value: some FixedWidthInteger) -> UInt8 { UInt8(truncatingIfNeeded: value) }
        func high(_ value: some FixedWidthInteger) -> UInt8 { UInt8(truncatingIfNeeded: value >> 8) }
        let first: [UInt8] = [
            low(parT2), high(parT2), low(parT3), 0, low(parP1), high(parP1), low(parP2), high(parP2),
            low(parP3),
            0, low(parP4), high(parP4), low(parP5), high(parP5), low(parP7), low(parP6), 0, 0, low(parP8),
            high(parP8), low(parP9), high(parP9), parP10,
        ]
        let second: [UInt8] = [
            low(parH2 >> 4), low(parH2 & 0x0F) << 4 | low(parH1 & 0x0F), low(parH1 >> 4), low(parH3),
            low(parH4), low(parH5), parH6, low(parH7), low(parT1), high(parT1), low(parGH2), high(parGH2),
            low(parGH1), low(parGH3),
        ]
        let third: [UInt8] = [low(heaterValue), 0, heaterRange << 4, 0, low(rangeSwitchingError) << 4]
        return (first, second, third)
    }

    /// The converter's 20 bits for a temperature in °C.
    func temperatureReading(celsius: Double) -> UInt32 {
        Self.nearest(to: celsius, in: 0...0xFFFFF, isRising: true) { fineTemperature(adc: $0).celsius }
    }

    /// The converter's 20 bits for a pressure in Pa.
    func pressureReading(pascal: Double, at temperature: FineTemperature) -> UInt32 {
        Self.nearest(to: pascal, in: 0...0xFFFFF, isRising: false) { pressure(adc: $0, at: temperature) }
    }

    /// The converter's 16 bits for a relative humidity in %RH.
    func humidityReading(percent: Double, at temperature: FineTemperature) -> UInt32 {
        Self.nearest(to: percent, in: 0...0xFFFF, isRising: true) {
            unlimitedHumidity(adc: $0, at: temperature)
        }
    }

    /// The converter's 10 bits and their range for a resistance in Ω: the range in which it lies closest to
    /// the middle.
    func gasReading(ohm: Double, variant: BME680Variant) -> (adc: UInt32, range: UInt8) {
        let candidates = (UInt8(0)...15).map { range -> (adc: UInt32, range: UInt8) in
            let adc = Self.nearest(to: ohm, in: 0...0x3FF, isRising: false) {
                gasResistance(adc: $0, range: range, variant: variant)
            }
            return (adc, range)
        }
        let best = candidates.min { abs(Int($0.adc) - 512) < abs(Int($1.adc) - 512) }
        return best ?? (512, 0)
    }

    /// The reading whose value is nearest to the target, by halving.
    private static func nearest(
        to target: Double, in readings: ClosedRange<UInt32>, isRising: Bool, _ value: (UInt32) -> Double
    ) -> UInt32 {
        var low = readings.lowerBound
        var high = readings.upperBound
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if (value(middle) < target) == isRising { low = middle } else { high = middle }
        }
        return abs(value(low) - target) <= abs(value(high) - target) ? low : high
    }
}
