/// The settings as they stand in the registers 0x70 to 0x75, with the bits that are theirs.
struct SettingsRegisters {
    /// Values and masks in the order of the registers.
    private let bits: [(value: UInt8, mask: UInt8)]

    init(_ settings: BME680Settings, variant: BME680Variant) {
        bits = [
            (settings.gasControl0, Register.heaterOff),
            // run_gas is bit 4 of one chip and bit 5 of the other; the lower half chooses the set point 0.
            (settings.gasControl1(variant), 0x3F),
            (settings.humidityControl, 0x07),
            (0, 0),
            // With the mode: asleep.
            (settings.measureControl, 0xFF),
            (settings.configuration, 0x1C),
        ]
    }

    /// The six registers with the settings written into them; nothing else is changed.
    func merged(into registers: [UInt8]) -> [UInt8] {
        zip(registers, bits).map { register, bits in register & ~bits.mask | bits.value }
    }
}
