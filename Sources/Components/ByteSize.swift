/// A number of bytes, as people write it: `256MiB`, `64 KiB`, `2GB`, `65536`.
public struct ByteSize: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    /// Bytes.
    public let bytes: UInt64

    /// Makes a size of so many bytes.
    public init(bytes: UInt64) {
        self.bytes = bytes
    }

    /// Makes a size of so many KiB (1,024 bytes).
    public static func kibibytes(_ count: UInt64) -> ByteSize { ByteSize(bytes: count << 10) }

    /// Makes a size of so many MiB (1,048,576 bytes).
    public static func mebibytes(_ count: UInt64) -> ByteSize { ByteSize(bytes: count << 20) }

    /// Reads a size: a whole number, then a unit of `B`, `KiB`, `MiB`, `GiB`, `TiB` (powers of 1,024) or
    /// `kB`, `MB`, `GB`, `TB` (powers of 1,000); bytes where there is no unit. Spaces between the two are
    /// allowed, the case of the unit's letters does not matter.
    ///
    /// - Throws: ``InvalidByteSize`` for anything else, and for what does not fit 64 bits.
    public init(parsing text: String) throws(InvalidByteSize) {
        let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard let count = UInt64(String(digits) ?? "") else { throw InvalidByteSize(text: text) }
        let unit = String(text.dropFirst(digits.count)).drop { $0 == " " }.lowercased()
        guard let factor = Self.factors[unit] else { throw InvalidByteSize(text: text) }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: factor)
        if overflow { throw InvalidByteSize(text: text) }
        self.bytes = bytes
    }

    private static let factors: [String: UInt64] = [
        "": 1, "b": 1,
        "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
        "kb": 1_000, "mb": 1_000_000, "gb": 1_000_000_000, "tb": 1_000_000_000_000,
    ]

    /// The shortest exact form in powers of 1,024: `256MiB`, `1000`.
    public var description: String {
        for (unit, shift) in [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)] as [(String, UInt64)]
        where bytes > 0 && bytes.isMultiple(of: 1 << shift) {
            return "\(bytes >> shift)\(unit)"
        }
        return "\(bytes)"
    }

    /// Fewer bytes come first.
    public static func < (first: ByteSize, second: ByteSize) -> Bool { first.bytes < second.bytes }
}
