/// A topic or topic filter that breaks a rule, and which.
public struct InvalidTopic: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rules that can be broken.
    public enum Rule: Hashable, Sendable {
        /// It has no characters.
        case empty
        /// It has more bytes than allowed.
        case tooLong(bytes: Int, maximum: Int)
        /// It has more levels than allowed.
        case tooDeep(levels: Int, maximum: Int)
        /// It contains U+0000.
        case containsNull
        /// A published topic contains `+` or `#`.
        case wildcardInTopic
        /// `#` is not the whole of the last level.
        case misplacedMultiLevelWildcard
        /// `+` is not the whole of its level.
        case misplacedSingleLevelWildcard
    }

    /// The refused text, cut at 100 characters.
    public let text: String
    /// What it breaks.
    public let rule: Rule

    init(_ text: String, _ rule: Rule) {
        self.text = String(text.prefix(100))
        self.rule = rule
    }

    /// One sentence for people.
    public var description: String {
        let problem =
            switch rule {
            case .empty: "is empty"
            case .tooLong(let bytes, let maximum): "has \(bytes) bytes; \(maximum) are allowed"
            case .tooDeep(let levels, let maximum): "has \(levels) levels; \(maximum) are allowed"
            case .containsNull: "contains U+0000"
            case .wildcardInTopic: "contains + or #, which only a topic filter may"
            case .misplacedMultiLevelWildcard: "has # elsewhere than alone on the last level"
            case .misplacedSingleLevelWildcard: "has a + that is not alone on its level"
            }
        return "topic \"\(text)\" \(problem)"
    }
}
