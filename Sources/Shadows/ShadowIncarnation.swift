/// Names one creation of a shadow: a shadow that is deleted and created again has another one.
public struct ShadowIncarnation: Hashable, Sendable, CustomStringConvertible {
    private let high: UInt64
    private let low: UInt64

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A random one.
    public static func random(using generator: inout some RandomNumberGenerator) -> ShadowIncarnation {
        ShadowIncarnation(high: generator.next(), low: generator.next())
    }

    /// A random one, by the system's generator.
    public static func random() -> ShadowIncarnation {
        var generator = SystemRandomNumberGenerator()
        return random(using: &generator)
    }

    /// From its 16 bytes; nil where there are not 16.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        var words: [UInt64] = [0, 0]
        for (index, byte) in bytes.enumerated() { words[index / 8] = words[index / 8] << 8 | UInt64(byte) }
        self.init(high: words[0], low: words[1])
    }

    /// Its 16 bytes.
    public var bytes: [UInt8] {
        [high, low].flatMap { word in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> $0) }
        }
    }

    /// 32 hexadecimal digits.
    public var description: String {
        bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
