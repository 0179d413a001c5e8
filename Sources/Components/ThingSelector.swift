/// Which things are meant, by type, attributes and name: `type=bme680,hall in (press,paint)`.
///
/// A list of conditions, separated by commas; a thing has to meet them all:
///
/// - `key=value` (or `==`), `key!=value`, `key in (a,b)`, `key notin (a,b)`, `key` (it has one), `!key` (it has none);
/// - a key is an attribute, or `type`, or `name`; a value of `name` may end in `*`: `name=press-*`;
/// - a value with other characters than `A-Z a-z 0-9 . _ - : / @ +` stands in double quotes, in which `\` takes the
///   next character as it is.
///
/// What is not asked about does not matter, and a thing that has not the key passes `!=` and `notin`.
public struct ThingSelector: Hashable, Sendable {
    /// Limits of a selector.
    public enum Limits {
        /// Most bytes of its text.
        public static let bytes = 1_024
        /// Most conditions.
        public static let requirements = 16
        /// Most values of a condition.
        public static let values = 64
    }

    /// The key that stands for a thing's name.
    static let nameKey = "name"
    /// The key that stands for a thing's type.
    static let typeKey = "type"
    /// Keys that attributes may not have, because selectors read them as something else.
    public static let reservedKeys: Set<String> = [nameKey, typeKey]

    /// The conditions, at least one.
    public let requirements: [SelectorRequirement]

    /// Reads a selector.
    ///
    /// - Throws: ``InvalidSelector`` that says what is wrong and where.
    public init(parsing text: String) throws(InvalidSelector) {
        var parser = SelectorParser(text)
        self.requirements = try parser.parse()
    }

    private init(_ requirements: [SelectorRequirement]) {
        self.requirements = requirements
    }

    /// Whether a thing meets every condition.
    public func matches(_ thing: ThingFacts) -> Bool {
        requirements.allSatisfy { $0.matches(thing) }
    }

    /// The same selector in one spelling.
    public var canonical: ThingSelector {
        ThingSelector(
            Set(requirements.map(\.canonical)).sorted { $0.description < $1.description })
    }
}

extension ThingSelector: CustomStringConvertible {
    /// As it is written, without needless spaces.
    public var description: String { requirements.map(\.description).joined(separator: ",") }
}

extension ThingSelector: Codable {
    /// Reads the text form.
    public init(from decoder: any Decoder) throws {
        try self.init(parsing: decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
