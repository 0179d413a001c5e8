/// A valid topic filter: `+` stands for one whole level, `#` as the last level for its parent and all below.
///
/// The rules are those of MQTT 3.1.1, section 4.7. A filter that begins with a wildcard does not match
/// topics that begin with `$` (4.7.2).
public struct TopicFilter: Hashable, Sendable, CustomStringConvertible {
    /// One level of a filter.
    public enum Level: Hashable, Sendable {
        /// This text.
        case literal(String)
        /// `+`: any one level.
        case any
        /// `#`: this and everything below.
        case rest
    }

    /// The filter as written.
    public let description: String
    /// Its levels; `rest` only at the end.
    public let levels: [Level]

    /// Checks a filter.
    ///
    /// - Throws: ``InvalidTopic`` that names the broken rule.
    public init(_ text: String, limits: TopicLimits = .standard) throws(InvalidTopic) {
        if text.isEmpty { throw InvalidTopic(text, .empty) }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        try Topic.check(text, bytes: text.utf8.count, levels: parts.count, limits: limits)
        var levels: [Level] = []
        levels.reserveCapacity(parts.count)
        for (index, part) in parts.enumerated() {
            if part == "#" {
                guard index == parts.count - 1 else { throw InvalidTopic(text, .misplacedMultiLevelWildcard) }
                levels.append(.rest)
            } else if part == "+" {
                levels.append(.any)
            } else {
                for byte in part.utf8 {
                    switch byte {
                    case UInt8(ascii: "#"): throw InvalidTopic(text, .misplacedMultiLevelWildcard)
                    case UInt8(ascii: "+"): throw InvalidTopic(text, .misplacedSingleLevelWildcard)
                    case 0: throw InvalidTopic(text, .containsNull)
                    default: break
                    }
                }
                levels.append(.literal(String(part)))
            }
        }
        self.description = text
        self.levels = levels
    }

    /// Whether a topic lies in the filter.
    public func matches(_ topic: Topic) -> Bool {
        if topic.isReserved, !isReserved { return false }
        var index = 0
        for part in topic.description.split(separator: "/", omittingEmptySubsequences: false) {
            guard index < levels.count else { return false }
            switch levels[index] {
            case .rest: return true
            case .any: break
            case .literal(let text): if text != part { return false }
            }
            index += 1
        }
        return index == levels.count || (index == levels.count - 1 && levels[index] == .rest)
    }

    /// The widest filter that both contain, nil where no topic matches both.
    public func intersection(_ other: TopicFilter) -> TopicFilter? {
        var result: [Level] = []
        var index = 0
        while true {
            let mine = index < levels.count ? levels[index] : nil
            let theirs = index < other.levels.count ? other.levels[index] : nil
            switch (mine, theirs) {
            case (nil, nil): return TopicFilter(levels: result)
            case (.rest?, nil), (nil, .rest?): return TopicFilter(levels: result)
            case (nil, _), (_, nil): return nil
            case (.rest?, _):
                return index == 0 && other.isReserved
                    ? nil : TopicFilter(levels: result + other.levels[index...])
            case (_, .rest?):
                return index == 0 && isReserved ? nil : TopicFilter(levels: result + levels[index...])
            case (.any?, let level?), (let level?, .any?): result.append(level)
            case (.literal(let a)?, .literal(let b)?):
                guard a == b else { return nil }
                result.append(.literal(a))
            }
            // A leading wildcard excludes `$` topics, which a literal on the other side may ask for.
            if index == 0, mine != theirs, isReserved || other.isReserved { return nil }
            index += 1
        }
    }

    /// Whether it asks for topics that begin with `$`.
    public var isReserved: Bool { description.utf8.first == UInt8(ascii: "$") }

    private init(levels: [Level]) {
        self.levels = levels
        self.description = levels.map { level in
            switch level {
            case .literal(let text): text
            case .any: "+"
            case .rest: "#"
            }
        }.joined(separator: "/")
    }
}
