/// Addresses and bits of the registers (BST-BME680-DS001, section 5 "Global memory map and register
/// description"; the registers of the BME688 by Bosch's BME68x Sensor API).
enum Register {
    static let calibrationThird: UInt8 = 0x00
    static let field: UInt8 = 0x1D
    static let heaterResistance0: UInt8 = 0x5A
    static let gasWait0: UInt8 = 0x64
    static let gasControl0: UInt8 = 0x70
    static let gasControl1: UInt8 = 0x71
    static let humidityControl: UInt8 = 0x72
    static let measureControl: UInt8 = 0x74
    static let configuration: UInt8 = 0x75
    static let calibrationFirst: UInt8 = 0x8A
    static let chipID: UInt8 = 0xD0
    static let reset: UInt8 = 0xE0
    static let calibrationSecond: UInt8 = 0xE1
    static let variant: UInt8 = 0xF0

    /// What the BME680 and the BME688 have in the register of the chip's id.
    static let expectedChipID: UInt8 = 0x61
    /// Written to ``reset`` it does what switching the power off and on does.
    static let resetCommand: UInt8 = 0xB6
    /// Bits of ``gasControl0``: the heater is off.
    static let heaterOff: UInt8 = 0x08
    /// Bits of ``measureControl``: one measurement, then sleep.
    static let forcedMode: UInt8 = 0x01
    static let modeMask: UInt8 = 0x03
}

/// Which chip answers with the id 0x61.
public enum BME680Variant: Hashable, Sendable {
    /// The BME680 (variant register 0).
    case bme680
    /// The BME688 (variant register 1), whose gas result has registers and a formula of its own.
    case bme688

    init(register: UInt8) {
        // Bosch's BME68x Sensor API knows 0 and 1; anything else is treated as the older chip.
        self = register == 1 ? .bme688 : .bme680
    }

    /// The bit `run_gas` of the register 0x71: bit 4 for the BME680, bit 5 for the BME688.
    var runGas: UInt8 {
        switch self {
        case .bme680: 0x10
        case .bme688: 0x20
        }
    }
}
