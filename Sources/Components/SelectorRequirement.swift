/// One condition of a ``ThingSelector``.
public struct SelectorRequirement: Hashable, Sendable {
    /// What the condition looks at.
    public enum Key: Hashable, Sendable, Comparable, CustomStringConvertible {
        /// The thing's name.
        case name
        /// The thing's type.
        case type
        /// An attribute.
        case attribute(String)

        init(_ text: String) {
            switch text {
            case ThingSelector.nameKey: self = .name
            case ThingSelector.typeKey: self = .type
            default: self = .attribute(text)
            }
        }

        /// As it is written.
        public var description: String {
            switch self {
            case .name: ThingSelector.nameKey
            case .type: ThingSelector.typeKey
            case .attribute(let key): key
            }
        }

        /// By spelling.
        public static func < (first: Key, second: Key) -> Bool { first.description < second.description }
    }

    /// A value that is wished or not.
    public struct Value: Hashable, Sendable, Comparable, CustomStringConvertible {
        /// The text, without the star.
        public let text: String
        /// Whether every text that begins so is meant: `press-*`, of names only.
        public let isPrefix: Bool

        init(_ text: String, isPrefix: Bool = false) {
            self.text = text
            self.isPrefix = isPrefix
        }

        func matches(_ text: String) -> Bool { isPrefix ? text.hasPrefix(self.text) : text == self.text }

        /// As it is written: in quotes where it has to be.
        public var description: String {
            if isPrefix { return text + "*" }
            if !text.isEmpty, text.unicodeScalars.allSatisfy(SelectorParser.isBare) { return text }
            let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            return "\"\(escaped)\""
        }

        /// By spelling.
        public static func < (first: Value, second: Value) -> Bool {
            (first.text, first.isPrefix ? 1 : 0) < (second.text, second.isPrefix ? 1 : 0)
        }
    }

    /// What is asked of the key.
    public enum Test: Hashable, Sendable {
        /// One of these, at least one.
        case isOne([Value])
        /// None of these; a thing without the key passes.
        case isNone([Value])
        /// There is a value.
        case exists
        /// There is none.
        case isMissing
    }

    /// What the condition looks at.
    public let key: Key
    /// What is asked of it.
    public let test: Test

    func matches(_ thing: ThingFacts) -> Bool {
        let value: String? =
            switch key {
            case .name: thing.name
            case .type: thing.type.isEmpty ? nil : thing.type
            case .attribute(let key): thing.attributes[key]
            }
        switch test {
        case .isOne(let values): return value.map { value in values.contains { $0.matches(value) } } ?? false
        case .isNone(let values): return value.map { value in !values.contains { $0.matches(value) } } ?? true
        case .exists: return value != nil
        case .isMissing: return value == nil
        }
    }

    /// The same condition in one spelling.
    var canonical: SelectorRequirement {
        switch test {
        case .isOne(let values): SelectorRequirement(key: key, test: .isOne(Set(values).sorted()))
        case .isNone(let values): SelectorRequirement(key: key, test: .isNone(Set(values).sorted()))
        case .exists, .isMissing: self
        }
    }
}

extension SelectorRequirement: CustomStringConvertible {
    /// As it is written: `type=bme680`, `hall in (press,paint)`, `!spare`.
    public var description: String {
        func list(_ values: [Value]) -> String { "(\(values.map(\.description).joined(separator: ",")))" }
        switch test {
        case .isOne(let values):
            return values.count == 1 ? "\(key)=\(values[0])" : "\(key) in \(list(values))"
        case .isNone(let values):
            return values.count == 1 ? "\(key)!=\(values[0])" : "\(key) notin \(list(values))"
        case .exists: return key.description
        case .isMissing: return "!\(key)"
        }
    }
}
