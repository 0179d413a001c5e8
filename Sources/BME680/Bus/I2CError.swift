#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A transfer that failed, or a bus that could not be opened.
public struct I2CError: Error, Hashable, Sendable {
    /// What was tried.
    public enum Operation: Hashable, Sendable {
        /// Opening the bus.
        case open
        /// Sending to a device.
        case write
        /// Reading from a device.
        case read
    }

    /// The bus, such as `/dev/i2c-1`.
    public let bus: String
    /// The 7-bit address that was talked to; nil where it is about the bus itself.
    public let address: UInt8?
    /// What was tried.
    public let operation: Operation
    /// The system's number of the error (`errno`).
    public let code: Int32

    /// Makes an error.
    public init(bus: String, address: UInt8?, operation: Operation, code: Int32) {
        self.bus = bus
        self.address = address
        self.operation = operation
        self.code = code
    }

    /// Whether the address was not acknowledged: no device is there.
    ///
    /// Controllers report it in different ways (the kernel's i2c/fault-codes document): most as ENXIO, that of
    /// the Raspberry Pi as EREMOTEIO, some as ENODEV.
    public var isNoAnswer: Bool { operation != .open && Self.noAnswer.contains(code) }

    #if os(Linux)
        private static let noAnswer: Set<Int32> = [ENXIO, EREMOTEIO, ENODEV]
    #else
        private static let noAnswer: Set<Int32> = [ENXIO, ENODEV]
    #endif
}

extension I2CError: CustomStringConvertible {
    /// One sentence: what, where, what to do.
    public var description: String {
        if operation == .open { return openDescription }
        let device = address.map { "the device at \(hexadecimal($0)) on \(bus)" } ?? bus
        let verb = operation == .write ? "written to" : "read"
        switch code {
        case _ where isNoAnswer:
            return
                "Nothing answers at \(address.map(hexadecimal) ?? "the address") on \(bus); check the wiring."
        case ETIMEDOUT:
            return "The transfer with \(device) took too long; is SDA or SCL held low by a short or a device?"
        case EAGAIN:
            return "The bus \(bus) is used by another controller all the time."
        case ENOTTY, EOPNOTSUPP, ENOSYS:
            return "\(bus) is no I2C bus that takes combined transfers; name one such as /dev/i2c-1."
        default:
            return "\(device.capitalizingFirst) could not be \(verb): \(Self.text(of: code)) (error \(code))."
        }
    }

    private var openDescription: String {
        switch code {
        case ENOENT, ENODEV, ENXIO:
            "\(bus) does not exist; enable I2C (raspi-config: Interface Options, I2C) or name another bus."
        case EACCES, EPERM:
            "\(bus) may not be opened by this user; add the user to group i2c (sudo usermod -aG i2c USER) "
                + "and log in again."
        default:
            "\(bus) cannot be opened: \(Self.text(of: code)) (error \(code))."
        }
    }

    private static func text(of code: Int32) -> String { String(cString: strerror(code)) }
}

/// `0x76`.
func hexadecimal(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16)
    return "0x" + (digits.count < 2 ? "0" : "") + digits
}

extension String {
    fileprivate var capitalizingFirst: String { prefix(1).uppercased() + dropFirst() }
}
