/// Writes JSON texts: no spaces, keys in ascending order.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []

    private static let hexadecimal = Array("0123456789abcdef".utf8)

    init(capacity: Int = 256) { bytes.reserveCapacity(capacity) }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    mutating func write(_ value: JSONValue) {
        switch value {
        case .null: raw("null")
        case .bool(let flag): raw(flag ? "true" : "false")
        case .integer(let number): write(number)
        case .number(let number): write(number)
        case .string(let text): write(text)
        case .array(let elements):
            byte(UInt8(ascii: "["))
            var isFirst = true
            for element in elements {
                if !isFirst { byte(UInt8(ascii: ",")) }
                isFirst = false
                write(element)
            }
            byte(UInt8(ascii: "]"))
        case .object(let object): write(object) { writer, value in writer.write(value) }
        }
    }

    /// Writes an object, its values by a closure.
    mutating func write<Value>(_ object: [String: Value], _ each: (inout JSONWriter, Value) -> Void) {
        byte(UInt8(ascii: "{"))
        if object.count < 2 {
            for (key, value) in object {
                name(key)
                each(&self, value)
            }
        } else {
            var isFirst = true
            for (key, value) in object.sorted(by: { $0.key < $1.key }) {
                if !isFirst { byte(UInt8(ascii: ",")) }
                isFirst = false
                name(key)
                each(&self, value)
            }
        }
        byte(UInt8(ascii: "}"))
    }

    mutating func write(_ number: some FixedWidthInteger) {
        var digits = number.magnitude
        if number < 0 { byte(UInt8(ascii: "-")) }
        let start = bytes.count
        repeat {
            let (quotient, remainder) = digits.quotientAndRemainder(dividingBy: 10)
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: remainder))
            digits = quotient
        } while digits > 0
        bytes[start...].reverse()
    }

    mutating func write(_ number: Double) { raw(number.isFinite ? number.description : "null") }

    mutating func write(_ text: String) {
        byte(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { buffer in
            var start = 0
            for index in buffer.indices {
                let byte = buffer[index]
                if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { continue }
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[start..<index]))
                start = index + 1
                escape(byte)
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[start...]))
        }
        byte(UInt8(ascii: "\""))
    }

    /// Writes a key and its colon.
    mutating func name(_ key: String) {
        write(key)
        byte(UInt8(ascii: ":"))
    }

    mutating func raw(_ text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func byte(_ byte: UInt8) { bytes.append(byte) }

    private mutating func escape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        default:
            raw("u00")
            bytes.append(Self.hexadecimal[Int(byte >> 4)])
            bytes.append(Self.hexadecimal[Int(byte & 15)])
        }
    }
}
