/// CRC-32C (Castagnoli, RFC 3720 appendix B.4), eight bytes at a step: finds any damage of up to 32 bits in a row,
/// and all but one of four thousand million others.
struct CRC32C {
    /// What the eight bytes of a step do to the sum, by place and value of each.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for value in 0..<256 {
            var sum = UInt32(value)
            for _ in 0..<8 { sum = sum & 1 == 0 ? sum >> 1 : sum >> 1 ^ 0x82F6_3B78 }
            tables[value] = sum
        }
        for place in 1..<8 {
            for value in 0..<256 {
                let before = tables[(place - 1) * 256 + value]
                tables[place * 256 + value] = before >> 8 ^ tables[Int(before & 0xFF)]
            }
        }
        return tables
    }()

    private var sum = UInt32.max

    /// The sum of what was added.
    var value: UInt32 { ~sum }

    /// The sum of some bytes.
    static func of(_ bytes: [UInt8]) -> UInt32 {
        var sum = CRC32C()
        bytes.withUnsafeBytes { sum.add($0) }
        return sum.value
    }

    /// Adds bytes.
    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        sum = Self.tables.withUnsafeBufferPointer { table in
            var sum = self.sum
            var index = 0
            let whole = bytes.count & ~7
            while index < whole {
                let low =
                    UInt32(
                        littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self)) ^ sum
                let high = UInt32(
                    littleEndian: bytes.loadUnaligned(fromByteOffset: index + 4, as: UInt32.self))
                sum =
                    table[7 * 256 + Int(low & 0xFF)] ^ table[6 * 256 + Int(low >> 8 & 0xFF)]
                    ^ table[5 * 256 + Int(low >> 16 & 0xFF)] ^ table[4 * 256 + Int(low >> 24)]
                sum ^=
                    table[3 * 256 + Int(high & 0xFF)] ^ table[2 * 256 + Int(high >> 8 & 0xFF)]
                    ^ table[256 + Int(high >> 16 & 0xFF)] ^ table[Int(high >> 24)]
                index += 8
            }
            while index < bytes.count {
                sum = sum >> 8 ^ table[Int((sum ^ UInt32(bytes[index])) & 0xFF)]
                index += 1
            }
            return sum
        }
    }
}
