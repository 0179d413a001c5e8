/// Writes JSON into bytes, for lines of which there are many.
struct JSONText {
    /// What was written.
    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    init() { bytes.reserveCapacity(64 << 10) }

    /// Begins an object.
    mutating func open() {
        bytes.append(UInt8(ascii: "{"))
        needsComma = false
    }

    /// Ends an object.
    mutating func close() {
        bytes.append(UInt8(ascii: "}"))
        needsComma = true
    }

    /// Ends the line.
    mutating func end() {
        bytes.append(UInt8(ascii: "\n"))
        needsComma = false
    }

    /// Drops what was written behind a length.
    mutating func cut(to length: Int) {
        bytes.removeLast(max(0, bytes.count - length))
        needsComma = false
    }

    /// Drops everything.
    mutating func clear() { bytes.removeAll(keepingCapacity: true) }

    /// Begins a member of the object; its value has to follow.
    mutating func name(_ name: String) {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        write(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = true
    }

    /// A member that is a text.
    mutating func member(_ name: String, _ value: String) {
        self.name(name)
        write(value)
    }

    /// A text.
    mutating func text(_ value: String) { write(value) }

    /// Something that is JSON already.
    mutating func raw(_ value: String) { bytes.append(contentsOf: value.utf8) }

    /// Nothing.
    mutating func null() { raw("null") }

    /// A number, or the text for one that JSON does not have.
    mutating func number(_ value: Double) {
        if value.isFinite {
            raw(String(value))
        } else {
            write(value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity")
        }
    }

    /// Bytes as a text of hexadecimal digits.
    mutating func hexadecimal(_ value: [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in value {
            bytes.append(Self.digits[Int(byte >> 4)])
            bytes.append(Self.digits[Int(byte & 15)])
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// An instant, RFC 3339 in UTC with microseconds.
    mutating func time(_ microseconds: Int64) {
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: UTCTime(microseconds).text.utf8)
        bytes.append(UInt8(ascii: "\""))
    }

    private static let digits = Array("0123456789abcdef".utf8)

    private mutating func write(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case UInt8(ascii: "\n"): raw("\\n")
            case UInt8(ascii: "\r"): raw("\\r")
            case UInt8(ascii: "\t"): raw("\\t")
            case 0..<0x20:
                raw("\\u00")
                bytes.append(Self.digits[Int(byte >> 4)])
                bytes.append(Self.digits[Int(byte & 15)])
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
