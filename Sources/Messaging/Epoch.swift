/// 16 random bytes that name one run of a publisher's process.
///
/// Drawn at every start and never a counter or a clock, so that a restored disk cannot repeat one
/// (semantics, section 2).
public struct Epoch: Hashable, Sendable, CustomStringConvertible {
    /// The bytes; exactly 16.
    public let bytes: [UInt8]

    /// Takes 16 bytes; nil for any other number.
    public init?(_ bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
        guard self.bytes.count == 16 else { return nil }
    }

    /// Draws one from the system's random numbers.
    public static func random() -> Epoch {
        var generator = SystemRandomNumberGenerator()
        return random(using: &generator)
    }

    /// Draws one from given random numbers.
    public static func random(using generator: inout some RandomNumberGenerator) -> Epoch {
        Epoch(unchecked: (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    /// Lower-case hexadecimal.
    public var description: String {
        bytes.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0\(digits)" : digits
        }.joined()
    }

    private init(unchecked bytes: [UInt8]) { self.bytes = bytes }
}
