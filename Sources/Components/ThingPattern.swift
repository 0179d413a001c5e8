import Identity

/// Which things of a group are meant, by name: `NAME`, `PREFIX*`, or `*` for all of them.
///
/// A plain value; it may be invalid: ``problem`` says so. It stands for cores of the group as well, which are things too.
public struct ThingPattern: Hashable, Sendable {
    /// As it is written.
    public let text: String

    /// Every thing.
    public static let all = ThingPattern("*")

    /// Takes a pattern as it is written.
    public init(_ text: String) { self.text = text }

    /// The one thing that is meant; nil where it may be several.
    public var name: String? { text.hasSuffix("*") ? nil : text }

    /// What is wrong with it, one sentence without the pattern; nil where nothing is.
    public var problem: String? {
        if text.hasPrefix("{") {
            return "selectors are not taken here; write a name, PREFIX*, or \"*\" for all things of the group"
        }
        if text.hasPrefix("thing:") { return "write the name alone, without thing:" }
        let part = name ?? String(text.dropLast())
        if part.isEmpty, name == nil { return nil }
        do throws(InvalidName) {
            try EntityName.validate(part)
            return nil
        } catch {
            return error.description
        }
    }

    /// Whether a thing of the group is meant.
    public func matches(_ thing: String) -> Bool {
        name.map { $0 == thing } ?? thing.hasPrefix(text.dropLast())
    }

    /// Whether everything is meant that another pattern means.
    func covers(_ other: ThingPattern) -> Bool {
        if let name { return other.name == name }
        return (other.name ?? String(other.text.dropLast())).hasPrefix(text.dropLast())
    }
}

extension ThingPattern: CustomStringConvertible {
    /// As it is written.
    public var description: String { text }
}

extension ThingPattern: Codable {
    /// Reads the text.
    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
