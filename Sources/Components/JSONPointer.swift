/// A place in a configuration, as RFC 6901 writes it: `/limits/high`; the empty text is the whole.
public struct JSONPointer: Hashable, Sendable {
    /// Most bytes of a pointer.
    public static let maximumBytes = 1_024

    /// The text.
    public let description: String
    /// The keys on the way, from the outermost.
    public let keys: [String]

    /// Reads a pointer; nil where it is not empty and does not begin with `/`, has a `~` that is neither `~0` nor `~1`,
    /// or is longer than 1,024 bytes.
    public init?(_ text: String) {
        guard text.utf8.count <= Self.maximumBytes else { return nil }
        self.description = text
        if text.isEmpty {
            self.keys = []
            return
        }
        guard text.unicodeScalars.first == "/" else { return nil }
        var keys: [String] = []
        // By Unicode scalars: a slash with a combining mark behind it is a slash, and no character that Swift finds.
        for part in text.unicodeScalars.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let key = Self.unescaped(part) else { return nil }
            keys.append(key)
        }
        self.keys = keys
    }

    /// The text of the pointer that leads along keys.
    public static func text(_ keys: [String]) -> String {
        keys.map { key in
            var escaped = "/".unicodeScalars
            for scalar in key.unicodeScalars {
                switch scalar {
                case "~": escaped.append(contentsOf: "~0".unicodeScalars)
                case "/": escaped.append(contentsOf: "~1".unicodeScalars)
                default: escaped.append(scalar)
                }
            }
            return String(escaped)
        }.joined()
    }

    private static func unescaped(_ part: Substring.UnicodeScalarView) -> String? {
        var key = String.UnicodeScalarView()
        var rest = part
        while let tilde = rest.firstIndex(of: "~") {
            key.append(contentsOf: rest[..<tilde])
            let next = rest.index(after: tilde)
            guard next < rest.endIndex else { return nil }
            switch rest[next] {
            case "0": key.append("~")
            case "1": key.append("/")
            default: return nil
            }
            rest = rest[rest.index(after: next)...]
        }
        key.append(contentsOf: rest)
        return String(key)
    }
}

extension JSONPointer: CustomStringConvertible {}

extension JSONPointer: Codable {
    /// Reads the text form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let pointer = JSONPointer(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\"\(text)\" is no JSON pointer")
        }
        self = pointer
    }

    /// Writes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
