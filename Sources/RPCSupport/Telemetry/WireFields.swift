/// Walks over the fields of an encoded protobuf message (protobuf.dev/programming-guides/encoding), without decoding
/// what is in them. Ends early at what is not well formed; the decoder is the one that refuses it.
struct WireFields {
    struct Field {
        let number: UInt64
        /// What a field with a length holds; nil for the others.
        let content: UnsafeRawBufferPointer?
    }

    private let bytes: UnsafeRawBufferPointer
    private var index = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The next field.
    mutating func next() -> Field? {
        guard let tag = varint() else { return nil }
        let number = tag >> 3
        switch tag & 7 {
        case 0: return varint().map { _ in Field(number: number, content: nil) }
        case 1: return skip(8) ? Field(number: number, content: nil) : nil
        case 5: return skip(4) ? Field(number: number, content: nil) : nil
        case 2:
            guard let length = varint(), length <= UInt64(bytes.count - index) else { return nil }
            let start = index
            index += Int(length)
            return Field(number: number, content: UnsafeRawBufferPointer(rebasing: bytes[start..<index]))
        default:
            // Groups: none of our messages has any.
            return nil
        }
    }

    private mutating func skip(_ count: Int) -> Bool {
        guard bytes.count - index >= count else { return false }
        index += count
        return true
    }

    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while index < bytes.count, shift < 64 {
            let byte = bytes[index]
            index += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }
}
