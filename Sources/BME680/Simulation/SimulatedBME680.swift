import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A bus with one BME680 on it that behaves as the device does, register by register.
///
/// It has a chip id, a calibration, control registers and a field of data; a measurement in forced mode takes
/// the time that it takes on the device, with the status bits of one under way, and gives what the converter
/// would give in the air that is there. So a program without a sensor runs the very code that runs with one.
/// Faults can be injected.
public final class SimulatedBME680: I2CBus {
    /// What is wrong with the device or its wires.
    public enum Fault: Hashable, Sendable {
        /// No answer at any address. When this ends the device has been without power.
        case unplugged
        /// Every transfer fails with an `errno`.
        case bus(code: Int32)
        /// Another chip's id.
        case chipID(UInt8)
        /// Every register reads as the same byte: a line is held.
        case held(UInt8)
        /// Measurements begin and never end.
        case neverReady
        /// Measurements take so much longer, and the bit of the one before stays set meanwhile.
        case slow(by: Duration)
        /// Measurements end and the data registers stay as after a reset.
        case noData
        /// The heater does not reach its temperature.
        case coldHeater
        /// The gas value is not real.
        case invalidGas
    }

    /// One transfer that the device answered.
    public enum Transfer: Hashable, Sendable {
        /// Bytes that were written.
        case write([UInt8])
        /// So many bytes from a register.
        case read(register: UInt8, count: Int)
    }

    /// Most transfers that are remembered; the oldest go first.
    public static let transferLimit = 1_000

    private struct State {
        var device: SimulatedRegisters
        var fault: Fault?
        var transfers: [Transfer] = []

        mutating func remember(_ transfer: Transfer) {
            if transfers.count >= transferLimit { transfers.removeFirst() }
            transfers.append(transfer)
        }
    }

    /// What messages call the bus.
    public let name: String
    private let address: UInt8
    private let elapsed: @Sendable () -> Duration
    private let air: @Sendable (Duration) -> AirAtSensor
    private let state: Mutex<State>

    /// Makes a bus with a device.
    ///
    /// - Parameters:
    ///   - name: What messages call the bus.
    ///   - address: The device's 7-bit address.
    ///   - variant: Which chip.
    ///   - calibration: Its coefficients.
    ///   - clock: What measurements take their time on; the sensor's clock.
    ///   - air: The air at the device at a time since it was made.
    public init(
        name: String = "the simulated bus", address: UInt8 = 0x76, variant: BME680Variant = .bme680,
        calibration: BME680Calibration = .plausible, clock: some Clock<Duration>,
        air: @escaping @Sendable (Duration) -> AirAtSensor
    ) {
        self.name = name
        self.address = address
        self.air = air
        let start = clock.now
        elapsed = { start.duration(to: clock.now) }
        state = Mutex(State(device: SimulatedRegisters(calibration: calibration, variant: variant)))
    }

    /// Injects a fault, or ends it with nil.
    public func setFault(_ fault: Fault?) {
        let now = elapsed()
        state.withLock { state in
            if state.fault == .unplugged, fault != .unplugged { state.device.powerOn(at: now) }
            state.fault = fault
        }
    }

    /// Takes the power away for a moment, so that the device forgets its settings.
    public func interruptPower() {
        let now = elapsed()
        state.withLock { $0.device.powerOn(at: now) }
    }

    /// The transfers that the device answered, the last ``transferLimit`` of them.
    public var transfers: [Transfer] { state.withLock { $0.transfers } }

    /// Writes registers: pairs of register and value, as the device takes them.
    ///
    /// - Throws: ``I2CError``.
    public func write(_ bytes: [UInt8], to address: UInt8) throws(I2CError) {
        let now = elapsed()
        try state.withLock { state throws(I2CError) in
            try answer(&state, address, .write, now)
            state.remember(.write(bytes))
            for index in stride(from: 0, to: bytes.count - 1, by: 2) {
                state.device.write(bytes[index + 1], to: bytes[index], at: now)
            }
        }
    }

    /// Reads registers, counting up from the one named.
    ///
    /// - Throws: ``I2CError``.
    public func writeRead(_ bytes: [UInt8], count: Int, from address: UInt8) throws(I2CError) -> [UInt8] {
        let now = elapsed()
        return try state.withLock { state throws(I2CError) in
            try answer(&state, address, .read, now)
            guard let register = bytes.last else {
                throw I2CError(bus: name, address: address, operation: .read, code: EINVAL)
            }
            state.remember(.read(register: register, count: count))
            return (0..<count).map { offset in
                let register = register &+ UInt8(truncatingIfNeeded: offset)
                switch state.fault {
                case .held(let byte): return byte
                case .chipID(let id) where register == Register.chipID: return id
                default: return state.device.registers[Int(register)]
                }
            }
        }
    }

    /// Brings the device up to the present and answers the address, or not.
    private func answer(
        _ state: inout State, _ address: UInt8, _ operation: I2CError.Operation, _ now: Duration
    ) throws(I2CError) {
        state.device.advance(to: now, fault: state.fault, air: air)
        var code: Int32?
        switch state.fault {
        case .unplugged: code = ENXIO
        case .bus(let number): code = number
        default: if address != self.address || state.device.isStarting(at: now) { code = ENXIO }
        }
        if let code { throw I2CError(bus: name, address: address, operation: operation, code: code) }
    }
}
