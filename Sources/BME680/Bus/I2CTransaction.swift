#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// One `I2C_RDWR` request: messages that go over the bus without anything in between.
///
/// The numbers and the layout are those of the kernel's user interface: `I2C_RDWR` and
/// `struct i2c_rdwr_ioctl_data` in `linux/i2c-dev.h`, `struct i2c_msg` and `I2C_M_RD` in `linux/i2c.h`. Both
/// structs are laid out here by hand with C's rules, because Swift promises no layout of its own structs.
struct I2CTransaction: Sendable {
    /// One message.
    enum Part: Sendable {
        case write([UInt8])
        case read(Int)

        var count: Int {
            switch self {
            case .write(let bytes): bytes.count
            case .read(let count): count
            }
        }
    }

    /// The `errno` of a request that failed.
    struct Failed: Error, Hashable {
        let code: Int32
    }

    /// Most bytes of one message that the kernel takes (`i2cdev_ioctl_rdwr` in `drivers/i2c/i2c-dev.c`).
    static let longestMessage = 8_192

    private static let rdwr: UInt = 0x0707
    private static let readFlag: UInt16 = 0x0001

    private static let pointer = MemoryLayout<UnsafeMutableRawPointer?>.self
    /// `struct i2c_msg { __u16 addr, flags, len; __u8 *buf; }`: the pointer comes at its own alignment.
    static let bufferOffset = (6 + pointer.alignment - 1) / pointer.alignment * pointer.alignment
    static let messageSize = bufferOffset + pointer.size
    /// `struct i2c_rdwr_ioctl_data { struct i2c_msg *msgs; __u32 nmsgs; }`, with its padding at the end.
    static let requestSize = 2 * pointer.size

    let address: UInt8
    let parts: [Part]

    /// Runs the request and returns what was read.
    func run(on file: Int32) throws(Failed) -> [UInt8] {
        for part in parts where part.count < 1 || part.count > Self.longestMessage {
            throw Failed(code: EINVAL)
        }
        let bytes = parts.reduce(0) { $0 + $1.count }
        let data = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 1)
        let messages = UnsafeMutableRawBufferPointer.allocate(
            byteCount: parts.count * Self.messageSize, alignment: Self.pointer.alignment)
        let request = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Self.requestSize, alignment: Self.pointer.alignment)
        defer {
            data.deallocate()
            messages.deallocate()
            request.deallocate()
        }
        lay(out: messages, over: data)
        request.initializeMemory(as: UInt8.self, repeating: 0)
        request.storeBytes(of: messages.baseAddress, as: UnsafeMutableRawPointer?.self)
        request.storeBytes(of: UInt32(parts.count), toByteOffset: Self.pointer.size, as: UInt32.self)
        guard let start = request.baseAddress else { throw Failed(code: EINVAL) }
        while ioctl(file, Self.rdwr, start) < 0 {
            guard errno == EINTR else { throw Failed(code: errno) }
        }
        var read: [UInt8] = []
        var offset = 0
        for part in parts {
            if case .read = part { read += data[offset..<offset + part.count] }
            offset += part.count
        }
        return read
    }

    /// Fills the array of `i2c_msg`, whose buffers lie one after the other in `data`.
    func lay(out messages: UnsafeMutableRawBufferPointer, over data: UnsafeMutableRawBufferPointer) {
        messages.initializeMemory(as: UInt8.self, repeating: 0)
        data.initializeMemory(as: UInt8.self, repeating: 0)
        var offset = 0
        for (index, part) in parts.enumerated() {
            let message = index * Self.messageSize
            var flags: UInt16 = 0
            switch part {
            case .write(let bytes):
                UnsafeMutableRawBufferPointer(rebasing: data[offset...]).copyBytes(from: bytes)
            case .read: flags = Self.readFlag
            }
            messages.storeBytes(of: UInt16(address), toByteOffset: message, as: UInt16.self)
            messages.storeBytes(of: flags, toByteOffset: message + 2, as: UInt16.self)
            messages.storeBytes(of: UInt16(part.count), toByteOffset: message + 4, as: UInt16.self)
            messages.storeBytes(
                of: data.baseAddress.map { $0 + offset }, toByteOffset: message + Self.bufferOffset,
                as: UnsafeMutableRawPointer?.self)
            offset += part.count
        }
    }
}
