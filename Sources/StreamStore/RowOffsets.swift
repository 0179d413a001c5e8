import Foundation

/// Ascending distances as they lie in the database: the difference of each from the one before, seven bits a byte,
/// the lowest first, the highest bit set where more follow. One byte an entry in nearly every batch.
enum RowOffsets {
    /// Distances as a column holds them; NULL where there are none.
    static func data(_ offsets: [UInt32]) -> Data? {
        offsets.isEmpty ? nil : Data(packed(offsets))
    }

    /// Packs distances.
    static func packed(_ offsets: [UInt32]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(offsets.count)
        var before: UInt32 = 0
        for offset in offsets {
            var rest = offset &- before
            before = offset
            while rest >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(truncatingIfNeeded: rest))
        }
        return bytes
    }

    /// Reads packed distances; nil where they are damaged.
    static func unpacked(_ bytes: some Sequence<UInt8>) -> [UInt32]? {
        var offsets: [UInt32] = []
        var last: UInt64 = 0
        var value: UInt64 = 0
        var shift: UInt64 = 0
        for byte in bytes {
            guard shift <= 28 else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 != 0 {
                shift += 7
                continue
            }
            last += value
            guard last <= UInt64(UInt32.max) else { return nil }
            offsets.append(UInt32(last))
            value = 0
            shift = 0
        }
        return shift == 0 ? offsets : nil
    }
}
