import Testing

@testable import BME680

#if canImport(Glibc)
    import Glibc
#endif

@Suite("The driver against a simulated device")
struct DriverTests {
    @Test(arguments: [BME680Variant.bme680, .bme688])
    func aSampleIsTheAirThatIsThere(variant: BME680Variant) async throws {
        let bench = try Bench(variant: variant)
        let sample = try await bench.sensor.sample()
        #expect(near(sample.temperature, 21, 0.01))
        #expect(near(sample.pressure, 1_013.25, 0.01))
        #expect(near(sample.humidity, 45, 0.01))
        #expect(near(sample.gasResistance, 90_000, 300))
        #expect(await bench.sensor.device?.variant == variant)
        #expect(await bench.sensor.device?.calibration == .plausible)
    }

    @Test func theFirstSampleFindsResetsAndSetsUpInOrder() async throws {
        let bench = try Bench()
        _ = try await bench.sensor.sample()
        let transfers = bench.device.transfers
        // 0x74: temperature 8× (4), pressure 4× (3), asleep; 0x72: humidity 2×; 0x75: filter 3 (2).
        // 0x71: run_gas, with the reserved bit that the device had set; 0x64: 150 ms = 37 × 4.
        guard transfers.count == 10, case .write(let setup) = transfers[7],
            case .write(let start) = transfers[8]
        else {
            Issue.record("\(transfers)")
            return
        }
        #expect(
            Array(transfers.prefix(7)) == [
                .read(register: 0xD0, count: 1), .write([0xE0, 0xB6]), .read(register: 0xF0, count: 1),
                .read(register: 0x8A, count: 23), .read(register: 0xE1, count: 14),
                .read(register: 0x00, count: 5), .read(register: 0x70, count: 6),
            ])
        let resistance = BME680Calibration.plausible.heaterResistance(target: 320, ambient: 25)
        #expect(
            setup == [
                0x72, 0x02, 0x75, 0x08, 0x5A, resistance, 0x64, 0x65, 0x70, 0x00, 0x71, 0x90, 0x74, 0x8C,
            ])
        #expect(start == [0x74, 0x8D])
        #expect(transfers[9] == .read(register: 0x1D, count: 17))
    }

    @Test func furtherSamplesLookAtTheSettingsAndMeasure() async throws {
        let bench = try Bench()
        _ = try await bench.sensor.sample()
        let before = bench.device.transfers.count
        _ = try await bench.sensor.sample()
        let transfers = Array(bench.device.transfers.dropFirst(before))
        // The heater is set for the 21 °C that were measured, instead of the 25 °C that were supposed.
        let resistance = BME680Calibration.plausible.heaterResistance(target: 320, ambient: 21)
        let supposed = BME680Calibration.plausible.heaterResistance(target: 320, ambient: 25)
        let start: [UInt8] = (resistance == supposed ? [] : [0x5A, resistance]) + [0x74, 0x8D]
        #expect(
            transfers == [
                .read(register: 0x72, count: 4), .write(start), .read(register: 0x1D, count: 17),
            ])
    }

    @Test func aMeasurementTakesTheTimeThatIsComputed() async throws {
        let bench = try Bench()
        let start = bench.clock.now
        _ = try await bench.sensor.sample()
        let taken = start.duration(to: bench.clock.now)
        // 14 conversions, nine switches, waking up, and the heater's 148 ms; 10 ms for the reset.
        #expect(taken == .microseconds(1_963 * 14 + 477 * 9 + 1_000) + .milliseconds(148 + 10))
        #expect(BME680Settings().measuringDuration == taken - .milliseconds(10))
    }

    @Test func whatIsOffIsLeftOut() async throws {
        var settings = BME680Settings()
        settings.heater = nil
        settings.pressureOversampling = .off
        settings.humidityOversampling = .off
        let bench = try Bench(settings: settings)
        let sample = try await bench.sensor.sample()
        #expect(near(sample.temperature, 21, 0.01))
        #expect(sample.pressure == nil && sample.humidity == nil && sample.gas == .off)
        // The heater stays off.
        guard case .write(let setup) = bench.device.transfers[7] else { return }
        #expect(setup == [0x72, 0x00, 0x75, 0x08, 0x70, 0x08, 0x71, 0x80, 0x74, 0x80])
    }

    @Test func bothAddressesAreLookedAtUnlessOneIsNamed() async throws {
        let found = try Bench(at: 0x77)
        _ = try await found.sensor.sample()
        #expect(await found.sensor.device?.address == 0x77)
        let missed = try Bench(address: .primary, at: 0x77)
        #expect(await missed.failure() == .noDevice(addresses: [0x76], bus: "/dev/i2c-1"))
        let named = try Bench(address: .secondary, at: 0x77)
        _ = try await named.sensor.sample()
    }

    @Test func theFilterFollowsSlowlyAndFirstOfAllWhole() async throws {
        let bench = try Bench { elapsed in AirAtSensor(temperature: elapsed < .seconds(10) ? 20 : 23) }
        #expect(near(try await bench.sensor.sample().temperature, 20, 0.01))
        bench.clock.advance(by: .seconds(20))
        // Coefficient 3: a third of the step with each sample.
        #expect(near(try await bench.sensor.sample().temperature, 21, 0.02))
        #expect(near(try await bench.sensor.sample().temperature, 21.667, 0.02))
        #expect(near(try await bench.sensor.sample().temperature, 22.111, 0.02))
    }

    @Test func theOffsetMovesTheTemperatureOnly() async throws {
        var settings = BME680Settings()
        settings.temperatureOffset = -1.5
        let sample = try await Bench(settings: settings).sensor.sample()
        #expect(near(sample.temperature, 19.5, 0.01))
        #expect(near(sample.humidity, 45, 0.01))
        #expect(near(sample.pressure, 1_013.25, 0.01))
    }

    @Test func twoAtOnceTakeTurns() async throws {
        let bench = try Bench()
        try await withThrowingTaskGroup(of: BME680Sample.self) { group in
            for _ in 0..<5 { group.addTask { try await bench.sensor.sample() } }
            for try await sample in group { #expect(near(sample.temperature, 21, 0.01)) }
        }
        let starts = bench.device.transfers.filter { transfer in
            if case .write(let bytes) = transfer { bytes.suffix(2) == [0x74, 0x8D] } else { false }
        }
        #expect(starts.count == 5)
    }

    // MARK: errors

    @Test(arguments: [
        (SimulatedBME680.Fault.unplugged, BME680Error.noDevice(addresses: [0x76, 0x77], bus: "/dev/i2c-1")),
        (.chipID(0x60), .wrongChip(found: 0x60, address: 0x76, bus: "/dev/i2c-1")),
        (
            .bus(code: ETIMEDOUT),
            .bus(I2CError(bus: "/dev/i2c-1", address: 0x76, operation: .read, code: ETIMEDOUT))
        ),
        (.held(0xFF), .wrongChip(found: 0xFF, address: 0x76, bus: "/dev/i2c-1")),
        (.noData, .noData(address: 0x76, bus: "/dev/i2c-1")),
    ])
    func eachFaultHasAnErrorOfItsOwn(fault: SimulatedBME680.Fault, error: BME680Error) async throws {
        let bench = try Bench()
        bench.device.setFault(fault)
        #expect(await bench.failure() == error)
        #expect(error.description.utf8.count <= 256)
        // And the end of it is found by itself.
        bench.device.setFault(nil)
        bench.clock.advance(by: .seconds(1))
        #expect(near(try await bench.sensor.sample().temperature, 21, 0.01))
    }

    @Test func aSlowMeasurementIsWaitedForAndTheOneBeforeIsNotTakenForIt() async throws {
        var settings = BME680Settings()
        settings.filter = .off
        let bench = try Bench(settings: settings) { elapsed in
            AirAtSensor(temperature: elapsed < .seconds(10) ? 20 : 23)
        }
        _ = try await bench.sensor.sample()
        bench.clock.advance(by: .seconds(20))
        bench.device.setFault(.slow(by: .milliseconds(100)))
        let start = bench.clock.now
        #expect(near(try await bench.sensor.sample().temperature, 23, 0.01))
        let taken = start.duration(to: bench.clock.now)
        #expect(taken > .milliseconds(275) && taken < .milliseconds(300))
        let reads = bench.device.transfers.filter { $0 == .read(register: 0x1D, count: 17) }
        #expect(reads.count > 15, "it was looked for again and again")
    }

    @Test func aMeasurementThatDoesNotEndIsNotWaitedForForEver() async throws {
        let bench = try Bench()
        bench.device.setFault(.neverReady)
        let start = bench.clock.now
        guard case .notReady(let after, 0x76, "/dev/i2c-1") = await bench.failure() else {
            Issue.record("another error")
            return
        }
        #expect(after >= BME680Settings().measuringDuration + .milliseconds(250))
        #expect(start.duration(to: bench.clock.now) < .seconds(1))
    }

    @Test(arguments: [
        SimulatedBME680.Fault.unplugged, .held(0xFF), .held(0), .bus(code: EIO), .neverReady, .noData,
    ])
    func aSensorThatFailsLaterRecovers(fault: SimulatedBME680.Fault) async throws {
        let bench = try Bench()
        _ = try await bench.sensor.sample()
        bench.device.setFault(fault)
        #expect(await bench.failure() != nil)
        #expect(await bench.failure() != nil)
        bench.device.setFault(nil)
        bench.clock.advance(by: .seconds(1))
        let sample = try await bench.sensor.sample()
        #expect(near(sample.humidity, 45, 0.01))
        #expect(near(sample.gasResistance, 90_000, 300))
    }

    @Test func aSensorThatLostItsSettingsIsSetUpAgain() async throws {
        let bench = try Bench()
        _ = try await bench.sensor.sample()
        bench.device.interruptPower()
        bench.clock.advance(by: .seconds(1))
        let sample = try await bench.sensor.sample()
        #expect(near(sample.humidity, 45, 0.01))
        #expect(near(sample.gasResistance, 90_000, 300))
    }

    @Test(arguments: [
        (AirAtSensor(temperature: 95), BME680Error.Quantity.temperature),
        (AirAtSensor(temperature: -45), .temperature),
        (AirAtSensor(pressure: 250), .pressure), (AirAtSensor(pressure: 1_150), .pressure),
        (AirAtSensor(humidity: 140), .humidity), (AirAtSensor(humidity: -30), .humidity),
    ])
    func aValueOutsideTheSensorsRangeIsImplausible(air: AirAtSensor, quantity: BME680Error.Quantity)
        async throws
    {
        let bench = try Bench { _ in air }
        guard case .implausible(quantity, let value) = await bench.failure() else {
            Issue.record("another error or none")
            return
        }
        #expect(!quantity.plausible.contains(value))
    }

    @Test func humidityIsLimitedToWhatThereCanBe() async throws {
        #expect(try await Bench { _ in AirAtSensor(humidity: 103) }.sensor.sample().humidity == 100)
        #expect(try await Bench { _ in AirAtSensor(humidity: -2) }.sensor.sample().humidity == 0)
    }

    @Test func gasThatIsNotRealIsLeftOutAndNoError() async throws {
        let bench = try Bench()
        bench.device.setFault(.coldHeater)
        let cold = try await bench.sensor.sample()
        #expect(cold.gas == .heaterNotStable && cold.gasResistance == nil && near(cold.temperature, 21, 0.01))
        bench.device.setFault(.invalidGas)
        #expect(try await bench.sensor.sample().gas == .notValid)
        var settings = BME680Settings()
        settings.heater = .init(duration: .milliseconds(10))
        #expect(try await Bench(settings: settings).sensor.sample().gas == .heaterNotStable)
    }

    @Test func memoryWithoutACalibrationIsRefused() async throws {
        var blank = BME680Calibration.plausible
        blank.parT1 = 0
        let bench = try Bench(calibration: blank)
        #expect(await bench.failure() == .implausibleCalibration(address: 0x76, bus: "/dev/i2c-1"))
    }

    @Test func aCancelledSampleEndsAndTheNextOneWorks() async throws {
        let bench = try Bench()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await #expect(throws: CancellationError.self) { try await bench.sensor.sample() }
            }
            group.cancelAll()
        }
        bench.clock.advance(by: .seconds(1))
        _ = try await bench.sensor.sample()
    }

    @Test func errorsSayWhatWhereAndWhatToDo() {
        let bus = "/dev/i2c-1"
        let texts: [(String, String)] = [
            (
                "\(BME680Error.noDevice(addresses: [0x76, 0x77], bus: bus))",
                "No BME680 answers on /dev/i2c-1 at 0x76 or 0x77; check its wiring and power."
            ),
            (
                "\(BME680Error.wrongChip(found: 0x58, address: 0x76, bus: bus))",
                "The device at 0x76 on /dev/i2c-1 is no BME680: its chip id is 0x58 (a BMP280), not 0x61."
            ),
            (
                "\(BME680Error.notReady(after: .milliseconds(450), address: 0x76, bus: bus))",
                "The BME680 at 0x76 on /dev/i2c-1 was not ready 450 ms after a measurement was started; check its "
                    + "power."
            ),
            (
                "\(BME680Error.implausible(quantity: .temperature, value: 161.04))",
                "The BME680 gives a temperature of 161 °C, which is outside -40 to 85 °C; check its wiring, or it is "
                    + "broken."
            ),
        ]
        for (text, wanted) in texts { #expect(text == wanted) }
    }
}
