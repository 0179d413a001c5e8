import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// An I2C bus of the Linux kernel, `/dev/i2c-N`.
///
/// Both kinds of transfer go through the `I2C_RDWR` request, so that a write and the read that belongs to it
/// are one transaction (with a repeated start) even while other programs and kernel drivers use the bus, and
/// so that a device that the kernel has a driver for is talked to all the same. The file is opened with the
/// first transfer and again after an error of the bus itself, so a bus that appears later (a module loaded, an
/// adapter plugged in) is found.
public final class LinuxI2CBus: I2CBus {
    /// The path, such as `/dev/i2c-1`.
    public let name: String
    private let descriptor = Mutex<Int32?>(nil)

    /// Names a bus; opens nothing yet.
    ///
    /// - Parameter path: `/dev/i2c-1` is the one on the pins 3 and 5 of a Raspberry Pi.
    public init(path: String) {
        name = path
    }

    deinit {
        descriptor.withLock { descriptor in
            if let open = descriptor { _ = close(open) }
        }
    }

    /// Sends bytes to a device.
    ///
    /// - Throws: ``I2CError``.
    public func write(_ bytes: [UInt8], to address: UInt8) throws(I2CError) {
        _ = try transfer([.write(bytes)], with: address, operation: .write)
    }

    /// Sends bytes and reads others as one transaction.
    ///
    /// - Throws: ``I2CError``.
    public func writeRead(_ bytes: [UInt8], count: Int, from address: UInt8) throws(I2CError) -> [UInt8] {
        try transfer([.write(bytes), .read(count)], with: address, operation: .read)
    }

    private func transfer(
        _ parts: [I2CTransaction.Part], with address: UInt8, operation: I2CError.Operation
    ) throws(I2CError) -> [UInt8] {
        #if os(Linux)
            let transaction = I2CTransaction(address: address, parts: parts)
            return try descriptor.withLock { descriptor throws(I2CError) in
                let file: Int32
                if let open = descriptor { file = open } else { file = try open() }
                descriptor = file
                do throws(I2CTransaction.Failed) {
                    return try transaction.run(on: file)
                } catch {
                    let error = I2CError(bus: name, address: address, operation: operation, code: error.code)
                    if !error.isNoAnswer {
                        // The adapter itself may be gone, or be no bus at all: look again next time.
                        _ = close(file)
                        descriptor = nil
                    }
                    throw error
                }
            }
        #else
            throw I2CError(bus: name, address: nil, operation: .open, code: ENOSYS)
        #endif
    }

    private func open() throws(I2CError) -> Int32 {
        #if canImport(Glibc)
            let file = Glibc.open(name, O_RDWR | O_CLOEXEC)
        #elseif canImport(Musl)
            let file = Musl.open(name, O_RDWR | O_CLOEXEC)
        #else
            let file: Int32 = -1
        #endif
        guard file >= 0 else {
            throw I2CError(bus: name, address: nil, operation: .open, code: errno)
        }
        return file
    }
}
