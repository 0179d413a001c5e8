/// A valid topic to publish on: levels separated by `/`, no wildcards.
///
/// The rules are those of MQTT 3.1.1, section 4.7: empty levels are levels, case matters.
public struct Topic: Hashable, Sendable, CustomStringConvertible {
    /// The topic as written.
    public let description: String

    /// Checks a topic.
    ///
    /// - Throws: ``InvalidTopic`` that names the broken rule.
    public init(_ text: String, limits: TopicLimits = .standard) throws(InvalidTopic) {
        if text.isEmpty { throw InvalidTopic(text, .empty) }
        var levels = 1
        var bytes = 0
        for byte in text.utf8 {
            bytes += 1
            switch byte {
            case UInt8(ascii: "/"): levels += 1
            case UInt8(ascii: "+"), UInt8(ascii: "#"): throw InvalidTopic(text, .wildcardInTopic)
            case 0: throw InvalidTopic(text, .containsNull)
            default: break
            }
        }
        try Self.check(text, bytes: bytes, levels: levels, limits: limits)
        self.description = text
    }

    /// Whether it begins with `$`: such topics are reserved.
    public var isReserved: Bool { description.utf8.first == UInt8(ascii: "$") }

    /// Its levels.
    public var levels: [Substring] { description.split(separator: "/", omittingEmptySubsequences: false) }

    static func check(
        _ text: String, bytes: Int, levels: Int, limits: TopicLimits
    ) throws(InvalidTopic) {
        if bytes > limits.maximumBytes {
            throw InvalidTopic(text, .tooLong(bytes: bytes, maximum: limits.maximumBytes))
        }
        if levels > limits.maximumLevels {
            throw InvalidTopic(text, .tooDeep(levels: levels, maximum: limits.maximumLevels))
        }
    }
}
