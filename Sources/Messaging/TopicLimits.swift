/// How long and how deep topics and filters may be.
public struct TopicLimits: Hashable, Sendable {
    /// Most bytes in UTF-8.
    public var maximumBytes: Int
    /// Most levels.
    public var maximumLevels: Int

    /// Makes limits.
    public init(maximumBytes: Int, maximumLevels: Int) {
        self.maximumBytes = maximumBytes
        self.maximumLevels = maximumLevels
    }

    /// Hedgerow's own: 256 bytes, 8 levels (semantics, section 1).
    public static let standard = TopicLimits(maximumBytes: 256, maximumLevels: 8)

    /// What MQTT 3.1.1 itself allows: 65,535 bytes (section 1.5.3), any number of levels.
    public static let mqtt = TopicLimits(maximumBytes: 65_535, maximumLevels: .max)
}
