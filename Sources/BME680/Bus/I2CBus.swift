/// A two-wire bus as a driver needs it: transfers of bytes to and from an address.
///
/// Transfers are synchronous and may block for as long as the bus takes (milliseconds; a bus held low, until
/// the kernel gives up). Call them from a thread that may block; ``BME680Sensor`` does.
public protocol I2CBus: Sendable {
    /// What the bus is called in messages, such as `/dev/i2c-1`.
    var name: String { get }

    /// Sends bytes to a device.
    ///
    /// - Parameters:
    ///   - bytes: 1 to 8,192 bytes; for most devices a register and what goes there.
    ///   - address: 7-bit address, 0x03 to 0x77.
    /// - Throws: ``I2CError``.
    func write(_ bytes: [UInt8], to address: UInt8) throws(I2CError)

    /// Sends bytes and reads others as one transaction that nobody else's transfer can come between.
    ///
    /// - Parameters:
    ///   - bytes: 1 to 8,192 bytes; for most devices the register to read from.
    ///   - count: How many bytes to read, 1 to 8,192.
    ///   - address: 7-bit address, 0x03 to 0x77.
    /// - Throws: ``I2CError``.
    func writeRead(_ bytes: [UInt8], count: Int, from address: UInt8) throws(I2CError) -> [UInt8]
}
