/// The register `gas_wait_x`: how long the heater is on before the gas is measured (data sheet, section 5.3.3).
///
/// Six bits count milliseconds, two bits multiply them by 1, 4, 16 or 64.
enum GasWait {
    /// The longest time that the register can say: 63 ms × 64.
    static let longestMilliseconds = 4_032

    /// The register for a time; what lies between two steps is shortened, what is too long becomes the longest.
    static func register(milliseconds: Int) -> UInt8 {
        guard milliseconds < longestMilliseconds else { return 0xFF }
        var count = max(milliseconds, 0)
        var factor = 0
        while count > 0x3F {
            count /= 4
            factor += 1
        }
        return UInt8(factor << 6 | count)
    }

    /// The time that a register says.
    static func milliseconds(register: UInt8) -> Int { Int(register & 0x3F) << (2 * Int(register >> 6)) }
}
