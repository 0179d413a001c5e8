#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A BME680 (or BME688) on an I2C bus: temperature, pressure, humidity and gas resistance.
///
/// ```swift
/// let sensor = try BME680Sensor(bus: LinuxI2CBus(path: "/dev/i2c-1"))
/// let sample = try await sensor.sample()
/// print(sample.temperature, "°C")
/// ```
///
/// The device sleeps between samples; each sample is one measurement in forced mode. It is found, reset and
/// set up with the first sample, and again with the first one after an error or after it lost its settings
/// (a sensor that was unplugged and plugged in again recovers). Nothing is tried again within one sample: who
/// samples decides how often.
///
/// Transfers block, so the actor runs on a queue of its own. Waiting happens on a clock, which tests replace.
public actor BME680Sensor {
    /// A device that was found.
    public struct Device: Hashable, Sendable {
        /// Its 7-bit address.
        public let address: UInt8
        /// Which chip it is.
        public let variant: BME680Variant
        /// Its coefficients.
        public let calibration: BME680Calibration
    }

    /// How long a reset takes: 2 ms by the data sheet, 10 ms by Bosch's Sensor API, which is what we wait.
    static let resetDuration: Duration = .milliseconds(10)
    /// How often the end of a measurement is looked for, once it should be there.
    static let pollInterval: Duration = .milliseconds(5)
    /// How much later than computed a measurement may end.
    static let patience: Duration = .milliseconds(250)

    private nonisolated let executor = BusExecutor()
    private let bus: any I2CBus
    private let address: BME680Address
    /// How it measures.
    public nonisolated let settings: BME680Settings
    private let clock: any Clock<Duration>

    /// The device in use; nil before the first sample and after an error.
    public private(set) var device: Device?
    /// °C around the sensor, for the heater: what was measured last.
    private var ambient = 25.0
    private var heaterRegister: UInt8?
    private var isBusy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// The queue on which transfers may block.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Makes a sensor; talks to nothing yet.
    ///
    /// - Parameters:
    ///   - bus: The bus.
    ///   - address: Where to look; both addresses by default.
    ///   - settings: How to measure.
    ///   - clock: What to wait on; the continuous clock by default.
    /// - Throws: ``InvalidBME680Settings``.
    public init(
        bus: any I2CBus, address: BME680Address = .automatic, settings: BME680Settings = BME680Settings(),
        clock: any Clock<Duration> = ContinuousClock()
    ) throws(InvalidBME680Settings) {
        try settings.validate()
        self.bus = bus
        self.address = address
        self.settings = settings
        self.clock = clock
    }

    /// Measures once.
    ///
    /// Takes ``BME680Settings/measuringDuration`` (about 195 ms with the defaults). A second call meanwhile
    /// waits its turn.
    ///
    /// - Throws: ``BME680Error``, and `CancellationError` where the task is cancelled.
    public func sample() async throws -> BME680Sample {
        await takeTurn()
        defer { endTurn() }
        do {
            return try await measure()
        } catch {
            // Whatever it was, the next sample looks for the device anew.
            device = nil
            throw error
        }
    }

    // MARK: one at a time

    private func takeTurn() async {
        while isBusy { await withCheckedContinuation { waiting.append($0) } }
        isBusy = true
    }

    private func endTurn() {
        isBusy = false
        if !waiting.isEmpty { waiting.removeFirst().resume() }
    }

    // MARK: finding and setting up

    /// Finds the device, resets it, reads its coefficients and sets it up.
    private func prepare() async throws -> Device {
        let found = try find()
        try write([Register.reset, Register.resetCommand], to: found)
        try await clock.sleep(for: Self.resetDuration)
        let variant = BME680Variant(register: try read(Register.variant, 1, from: found)[0])
        let calibration = BME680Calibration(
            first: try read(Register.calibrationFirst, BME680Calibration.blockSizes.first, from: found),
            second: try read(Register.calibrationSecond, BME680Calibration.blockSizes.second, from: found),
            third: try read(Register.calibrationThird, BME680Calibration.blockSizes.third, from: found))
        guard let calibration, calibration.isPlausible else {
            throw BME680Error.implausibleCalibration(address: found, bus: bus.name)
        }
        let device = Device(address: found, variant: variant, calibration: calibration)
        try configure(device)
        self.device = device
        return device
    }

    /// The first address where a chip with the right id answers.
    private func find() throws(BME680Error) -> UInt8 {
        var wrong: BME680Error?
        for address in address.candidates {
            do throws(I2CError) {
                let id = try bus.writeRead([Register.chipID], count: 1, from: address).first ?? 0
                if id == Register.expectedChipID { return address }
                wrong = wrong ?? .wrongChip(found: id, address: address, bus: bus.name)
            } catch {
                guard error.isNoAnswer else { throw .bus(error) }
            }
        }
        throw wrong ?? .noDevice(addresses: address.candidates, bus: bus.name)
    }

    /// Writes the settings. Bits that the data sheet reserves are left as they are.
    private func configure(_ device: Device) throws(BME680Error) {
        let before = try read(Register.gasControl0, 6, from: device.address)
        let control = SettingsRegisters(settings, variant: device.variant).merged(into: before)
        let resistance = heaterResistance(device)
        // Pairs of register and value: the device does not count up by itself when written to (data sheet,
        // section 6.2.1). The humidity's setting takes effect with the write of 0x74, which comes last.
        var pairs: [UInt8] = [Register.humidityControl, control[2], Register.configuration, control[5]]
        if let heater = settings.heater {
            pairs += [Register.heaterResistance0, resistance, Register.gasWait0, heater.waitRegister]
        }
        pairs += [
            Register.gasControl0, control[0], Register.gasControl1, control[1],
            Register.measureControl, control[4],
        ]
        try write(pairs, to: device.address)
        heaterRegister = resistance
    }

    /// Whether the device still has the settings; it has not after it was without power. The oversampling and
    /// the filter tell: that of the temperature is never off.
    private func isConfigured(_ device: Device) throws(BME680Error) -> Bool {
        let registers = try read(Register.humidityControl, 4, from: device.address)
        return registers[0] & 0x07 == settings.humidityControl
            && registers[2] & ~Register.modeMask == settings.measureControl
            && registers[3] & 0x1C == settings.configuration
    }

    private func heaterResistance(_ device: Device) -> UInt8 {
        device.calibration.heaterResistance(target: settings.heater?.temperature ?? 0, ambient: ambient)
    }

    // MARK: measuring

    private func measure() async throws -> BME680Sample {
        let device: Device
        if let known = self.device, try isConfigured(known) {
            device = known
        } else {
            device = try await prepare()
        }
        var pairs: [UInt8] = []
        let resistance = heaterResistance(device)
        if settings.heater != nil, resistance != heaterRegister {
            pairs += [Register.heaterResistance0, resistance]
            heaterRegister = resistance
        }
        pairs += [Register.measureControl, settings.measureControl | Register.forcedMode]
        try write(pairs, to: device.address)
        return try sample(from: try await awaitField(of: device), of: device)
    }

    private func awaitField(of device: Device) async throws -> MeasurementField {
        var waited = settings.measuringDuration
        try await clock.sleep(for: waited)
        while true {
            let bytes = try read(Register.field, MeasurementField.size, from: device.address)
            if let field = MeasurementField(bytes, variant: device.variant), field.isNew, !field.isMeasuring {
                return field
            }
            guard waited < settings.measuringDuration + Self.patience else {
                throw BME680Error.notReady(after: waited, address: device.address, bus: bus.name)
            }
            try await clock.sleep(for: Self.pollInterval)
            waited += Self.pollInterval
        }
    }

    private func sample(
        from field: MeasurementField, of device: Device
    ) throws(BME680Error) -> BME680Sample {
        guard !isReset(field) else { throw .noData(address: device.address, bus: bus.name) }
        let fine = device.calibration.fineTemperature(adc: field.temperature)
        try check(.temperature, fine.celsius)
        ambient = fine.celsius
        var pressure: Double?
        if settings.pressureOversampling != .off {
            let value = device.calibration.pressure(adc: field.pressure, at: fine) / 100
            try check(.pressure, value)
            pressure = value
        }
        var humidity: Double?
        if settings.humidityOversampling != .off {
            try check(.humidity, device.calibration.unlimitedHumidity(adc: field.humidity, at: fine))
            humidity = device.calibration.humidity(adc: field.humidity, at: fine)
        }
        return BME680Sample(
            temperature: fine.adding(celsius: settings.temperatureOffset).celsius, pressure: pressure,
            humidity: humidity, gas: try gas(field, of: device))
    }

    /// Whether the data registers hold what stands there after a reset. One value can look like that by
    /// chance, two at once do not.
    private func isReset(_ field: MeasurementField) -> Bool {
        guard field.temperature == MeasurementField.notMeasured20 else { return false }
        if settings.pressureOversampling != .off { return field.pressure == MeasurementField.notMeasured20 }
        if settings.humidityOversampling != .off { return field.humidity == MeasurementField.notMeasured16 }
        return true
    }

    private func gas(_ field: MeasurementField, of device: Device) throws(BME680Error) -> BME680Sample.Gas {
        guard settings.heater != nil else { return .off }
        guard field.isGasValid else { return .notValid }
        guard field.isHeaterStable else { return .heaterNotStable }
        let value = device.calibration.gasResistance(
            adc: field.gas, range: field.gasRange, variant: device.variant)
        try check(.gasResistance, value)
        return .resistance(value)
    }

    private func check(_ quantity: BME680Error.Quantity, _ value: Double) throws(BME680Error) {
        guard quantity.plausible.contains(value) else {
            throw .implausible(quantity: quantity, value: value)
        }
    }

    // MARK: transfers

    private func write(_ bytes: [UInt8], to address: UInt8) throws(BME680Error) {
        do throws(I2CError) { try bus.write(bytes, to: address) } catch { throw failure(error, at: address) }
    }

    private func read(_ register: UInt8, _ count: Int, from address: UInt8) throws(BME680Error) -> [UInt8] {
        do throws(I2CError) {
            let bytes = try bus.writeRead([register], count: count, from: address)
            guard bytes.count == count else {
                throw I2CError(bus: bus.name, address: address, operation: .read, code: EIO)
            }
            return bytes
        } catch {
            throw failure(error, at: address)
        }
    }

    private func failure(_ error: I2CError, at address: UInt8) -> BME680Error {
        error.isNoAnswer ? .noDevice(addresses: [address], bus: bus.name) : .bus(error)
    }
}
