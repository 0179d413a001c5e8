import TestSupport
import Testing

@testable import BME680

@Suite("Compensation and registers")
struct CompensationTests {
    /// A device like the plausible one, each coefficient moved by chance.
    private func device(_ generator: inout SeededGenerator) -> BME680Calibration {
        var calibration = BME680Calibration.plausible
        calibration.parT1 += UInt16.random(in: 0...300, using: &generator)
        calibration.parT2 += Int16.random(in: -200...200, using: &generator)
        calibration.parP1 += UInt16.random(in: 0...1_500, using: &generator)
        calibration.parP2 += Int16.random(in: -100...100, using: &generator)
        calibration.parP4 += Int16.random(in: -2_000...2_000, using: &generator)
        calibration.parP8 += Int16.random(in: -1_500...1_500, using: &generator)
        calibration.parH1 += UInt16.random(in: 0...100, using: &generator)
        calibration.parH2 += UInt16.random(in: 0...40, using: &generator)
        calibration.rangeSwitchingError = Int8.random(in: -8...7, using: &generator)
        return calibration
    }

    @Test func backwardsAndForwardsAgreeOverTheWholeRange() {
        var generator = SeededGenerator(seed: 680)
        for _ in 0..<2_000 {
            let device = device(&generator)
            let temperature = Double.random(in: -40...85, using: &generator)
            let pressure = Double.random(in: 30_000...110_000, using: &generator)
            let humidity = Double.random(in: 0...100, using: &generator)
            let fine = device.fineTemperature(adc: device.temperatureReading(celsius: temperature))
            #expect(abs(fine.celsius - temperature) < 0.001)
            let pascal = device.pressure(
                adc: device.pressureReading(pascal: pressure, at: fine), at: fine)
            #expect(abs(pascal - pressure) < 0.5, "\(temperature) °C")
            let percent = device.humidity(
                adc: device.humidityReading(percent: humidity, at: fine), at: fine)
            #expect(abs(percent - humidity) < 0.01, "\(temperature) °C")
        }
    }

    @Test(arguments: [BME680Variant.bme680, .bme688])
    func gasBackwardsAndForwardsAgree(variant: BME680Variant) {
        var generator = SeededGenerator(seed: 681)
        let lowest = variant == .bme680 ? 300.0 : 2_500
        for _ in 0..<2_000 {
            let device = device(&generator)
            let ohm = lowest * Double.random(in: 1...20_000, using: &generator)
            let reading = device.gasReading(ohm: ohm, variant: variant)
            #expect(reading.range < 16 && reading.adc < 1_024)
            let got = device.gasResistance(adc: reading.adc, range: reading.range, variant: variant)
            #expect(abs(got - ohm) < ohm / 500, "\(ohm)")
        }
    }

    @Test func theMemoryHoldsEveryCoefficient() throws {
        var generator = SeededGenerator(seed: 682)
        for _ in 0..<500 {
            let device = device(&generator)
            let blocks = device.registers
            #expect(blocks.first.count == 23 && blocks.second.count == 14 && blocks.third.count == 5)
            #expect(
                BME680Calibration(first: blocks.first, second: blocks.second, third: blocks.third) == device)
        }
        #expect(BME680Calibration(first: [], second: [], third: []) == nil)
    }

    @Test func encodingsAreThoseOfTheDataSheet() {
        #expect(BME680Settings.Oversampling.allCases.map(\.bits) == [0, 1, 2, 3, 4, 5])
        #expect(BME680Settings.Filter.allCases.map(\.bits) == [0, 1, 2, 3, 4, 5, 6, 7])
        let waits = [
            0: 0, 1: 1, 63: 63, 64: 0x50, 100: 0x59, 150: 0x65, 4_031: 0xFE, 4_032: 0xFF, 9_000: 0xFF,
        ]
        for (milliseconds, register) in waits {
            #expect(GasWait.register(milliseconds: milliseconds) == UInt8(register), "\(milliseconds)")
        }
        for register in UInt8.min...UInt8.max {
            let time = GasWait.milliseconds(register: register)
            let again = GasWait.milliseconds(register: GasWait.register(milliseconds: time))
            #expect(again == time)
        }
        var settings = BME680Settings()
        settings.heater?.duration = .microseconds(1_000)
        #expect(settings.heater?.waitRegister == 1)
    }

    @Test func settingsThatCannotBeAreRefused() {
        func refused(_ change: (inout BME680Settings) -> Void) -> String? {
            var settings = BME680Settings()
            change(&settings)
            do {
                try settings.validate()
                return nil
            } catch {
                return error.description
            }
        }
        #expect(refused { _ in } == nil)
        #expect(refused { $0.heater = nil } == nil)
        #expect(refused { $0.temperatureOversampling = .off }?.contains("cannot be off") == true)
        #expect(
            refused { $0.heater?.temperature = 401 }
                == "The gas heater's temperature is between 200 and 400 °C, not 401.0.")
        #expect(refused { $0.heater?.temperature = .nan } != nil)
        #expect(refused { $0.heater?.duration = .zero } != nil)
        #expect(refused { $0.heater?.duration = .milliseconds(4_033) } != nil)
        #expect(refused { $0.temperatureOffset = .infinity } != nil)
    }
}
