/// The memory of a simulated device and what happens in it as time passes.
struct SimulatedRegisters: Sendable {
    /// A measurement under way.
    private struct Measurement: Sendable {
        let ends: Duration
        /// From here on the gas is measured; nil where it is not.
        let gasBegins: Duration?
    }

    /// The device does not answer for so long after power came or a reset (data sheet, section 1.1).
    static let startDuration: Duration = .milliseconds(2)
    /// The heater needs so long to be hot (data sheet, section 3.3.5: 20 to 30 ms).
    static let heatingMilliseconds = 30

    private(set) var registers = [UInt8](repeating: 0, count: 256)
    private let calibration: BME680Calibration
    private let variant: BME680Variant
    private var measurement: Measurement?
    private var startsUntil: Duration?
    private var measurements: UInt8 = 0
    private var filtered: (temperature: Double, pressure: Double)?

    init(calibration: BME680Calibration, variant: BME680Variant) {
        self.calibration = calibration
        self.variant = variant
        clear()
    }

    /// Power comes.
    mutating func powerOn(at now: Duration) {
        clear()
        startsUntil = now + Self.startDuration
    }

    /// Whether the device is not ready for transfers yet.
    func isStarting(at now: Duration) -> Bool { startsUntil.map { now < $0 } ?? false }

    private mutating func clear() {
        registers = [UInt8](repeating: 0, count: 256)
        measurement = nil
        filtered = nil
        measurements = 0
        registers[Int(Register.chipID)] = Register.expectedChipID
        registers[Int(Register.variant)] = variant == .bme688 ? 1 : 0
        // A reserved bit that is set after a reset: drivers must leave it as it is.
        registers[Int(Register.gasControl1)] = 0x80
        let blocks = calibration.registers
        put(blocks.first, at: Register.calibrationFirst)
        put(blocks.second, at: Register.calibrationSecond)
        put(blocks.third, at: Register.calibrationThird)
        putNoData()
    }

    private mutating func putNoData() {
        putData(
            temperature: MeasurementField.notMeasured20, pressure: MeasurementField.notMeasured20,
            humidity: MeasurementField.notMeasured16)
    }

    private mutating func put(_ bytes: [UInt8], at register: UInt8) {
        registers.replaceSubrange(Int(register)..<Int(register) + bytes.count, with: bytes)
    }

    private mutating func putData(temperature: UInt32, pressure: UInt32, humidity: UInt32) {
        func bytes(_ value: UInt32) -> [UInt8] {
            [UInt8(value >> 12 & 0xFF), UInt8(value >> 4 & 0xFF), UInt8(value << 4 & 0xF0)]
        }
        let data =
            bytes(pressure) + bytes(temperature) + [UInt8(humidity >> 8 & 0xFF), UInt8(humidity & 0xFF)]
        put(data, at: Register.field + 2)
    }

    // MARK: writing

    /// Takes one byte; registers that cannot be written stay as they are.
    mutating func write(_ value: UInt8, to register: UInt8, at now: Duration) {
        switch register {
        case Register.reset:
            if value == Register.resetCommand { powerOn(at: now) }
        case Register.measureControl:
            registers[Int(register)] = value
            if value & Register.modeMask == Register.forcedMode { begin(at: now) }
        case 0x50...0x73, Register.configuration:
            registers[Int(register)] = value
        default: break
        }
    }

    private mutating func begin(at now: Duration) {
        let conversions = [
            registers[Int(Register.measureControl)] >> 5, registers[Int(Register.measureControl)] >> 2 & 7,
            registers[Int(Register.humidityControl)] & 7,
        ].reduce(0) { $0 + Self.conversions($1) }
        let converted = now + .microseconds(1_963 * conversions + 477 * 9)
        let gas = isGasOn
        let wait = GasWait.milliseconds(register: registers[Int(Register.gasWait0)])
        measurement = Measurement(
            ends: gas ? converted + .milliseconds(wait) : converted, gasBegins: gas ? converted : nil)
        registers[Int(Register.field)] = 0x20
    }

    private var isGasOn: Bool {
        registers[Int(Register.gasControl1)] & variant.runGas != 0
            && registers[Int(Register.gasControl0)] & Register.heaterOff == 0
    }

    /// Conversions by the three bits of an oversampling setting; five and above mean 16.
    private static func conversions(_ bits: UInt8) -> Int { bits == 0 ? 0 : 1 << min(Int(bits) - 1, 4) }

    // MARK: time

    /// Lets happen what has happened until now.
    mutating func advance(
        to now: Duration, fault: SimulatedBME680.Fault?, air: (Duration) -> AirAtSensor
    ) {
        if let startsUntil, now >= startsUntil { self.startsUntil = nil }
        guard let measurement else { return }
        var ends = measurement.ends
        var stale: UInt8 = 0
        if case .slow(let delay) = fault {
            ends += delay
            stale = 0x80
        }
        if now < ends || fault == .neverReady {
            let isGas = measurement.gasBegins.map { now >= $0 } ?? false
            registers[Int(Register.field)] = (isGas ? 0x60 : 0x20) | stale
            return
        }
        self.measurement = nil
        end(in: air(ends), fault: fault)
    }

    /// Puts down what was measured and goes to sleep.
    private mutating func end(in air: AirAtSensor, fault: SimulatedBME680.Fault?) {
        registers[Int(Register.measureControl)] &= ~Register.modeMask
        registers[Int(Register.field)] = 0x80
        measurements &+= 1
        registers[Int(Register.field) + 1] = measurements
        guard fault != .noData else {
            putNoData()
            return
        }

        let control = registers[Int(Register.measureControl)]
        var temperature = calibration.temperatureReading(celsius: air.temperature)
        let fine = calibration.fineTemperature(adc: temperature)
        var pressure = calibration.pressureReading(pascal: air.pressure * 100, at: fine)
        let humidity = calibration.humidityReading(percent: air.humidity, at: fine)
        filter(&temperature, &pressure)
        putData(
            temperature: control >> 5 == 0 ? MeasurementField.notMeasured20 : temperature,
            pressure: control >> 2 & 7 == 0 ? MeasurementField.notMeasured20 : pressure,
            humidity: registers[Int(Register.humidityControl)] & 7 == 0
                ? MeasurementField.notMeasured16 : humidity)
        putGas(in: air, fault: fault)
    }

    /// The filter over successive values (data sheet, section 3.3.4); the first value after a reset is taken whole.
    private mutating func filter(_ temperature: inout UInt32, _ pressure: inout UInt32) {
        let bits = Int(registers[Int(Register.configuration)] >> 2 & 7)
        let coefficient = Double(max((1 << bits) - 1, 1))
        let new = (temperature: Double(temperature), pressure: Double(pressure))
        let old = filtered ?? new
        let next = (
            temperature: (old.temperature * (coefficient - 1) + new.temperature) / coefficient,
            pressure: (old.pressure * (coefficient - 1) + new.pressure) / coefficient
        )
        filtered = next
        temperature = UInt32(next.temperature.rounded())
        pressure = UInt32(next.pressure.rounded())
    }

    private mutating func putGas(in air: AirAtSensor, fault: SimulatedBME680.Fault?) {
        let low = Int(Register.field) + (variant == .bme680 ? 13 : 15)
        guard isGasOn else {
            registers[low + 1] &= ~0x30
            return
        }
        let reading = calibration.gasReading(ohm: air.gasResistance, variant: variant)
        let wait = GasWait.milliseconds(register: registers[Int(Register.gasWait0)])
        let isHot = wait >= Self.heatingMilliseconds && fault != .coldHeater
        registers[low] = UInt8(reading.adc >> 2 & 0xFF)
        registers[low + 1] =
            UInt8(reading.adc << 6 & 0xC0) | (fault == .invalidGas ? 0 : 0x20) | (isHot ? 0x10 : 0)
            | reading.range
    }
}
