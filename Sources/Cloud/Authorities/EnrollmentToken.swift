import Crypto
import FoundationEssentials

/// One-time tokens: 32 random bytes. The cloud keeps only their digests.
enum EnrollmentToken {
    /// Begins every token, so that scanners for leaked secrets find them.
    static let prefix = "hgt_"
    /// Most bytes that a presented token may have.
    static let maximumLength = 256
    /// How long a token may be used for the first time, by default.
    static let defaultTimeToLive: Duration = .days(7)
    /// The longest that may be asked for.
    static let maximumTimeToLive: Duration = .days(90)
    /// How long a used token may be repeated with the same key: a lost answer costs nothing.
    static let repeatable: Duration = .hours(1)

    /// Makes a token.
    static func generate() -> String {
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        return prefix + Base64URL.encode(bytes)
    }

    /// SHA-256 of a token: what is stored. A digest without salt is enough for 256 random bits.
    static func digest(_ token: String) -> [UInt8] {
        Array(SHA256.hash(data: Data(token.utf8)))
    }
}

/// Base64 in the alphabet of URLs and file names, without padding (RFC 4648, section 5).
enum Base64URL {
    static func encode(_ bytes: some Sequence<UInt8>) -> String {
        Data(bytes).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    static func decode(_ text: String) -> [UInt8]? {
        var padded = text.replacing("-", with: "+").replacing("_", with: "/")
        while padded.utf8.count % 4 != 0 { padded += "=" }
        return Data(base64Encoded: padded).map { Array($0) }
    }
}
