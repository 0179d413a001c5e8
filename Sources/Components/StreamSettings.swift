/// The parameters of a durable stream on a core (semantics, section 3).
public struct StreamSettings: Hashable, Sendable, Codable {
    /// What a full stream does.
    public enum FullPolicy: String, CaseIterable, Hashable, Sendable, Codable {
        /// Overwrites the oldest messages and records their origin ranges as lost.
        case overwriteOldest
        /// Takes nothing new: its publishers are paused until there is room.
        case rejectNew
    }

    /// The stream that a route to the cloud goes through where it names none. It exists in every group.
    public static let defaultName = "default"
    /// Least ``maxSize``: 64 KiB.
    public static let minimumSize = ByteSize.kibibytes(64)
    /// The priorities there are: 1 drains first.
    public static let priorities = 1...10

    /// Bytes of payload kept; 256 MiB by default, at least ``minimumSize``.
    public var maxSize: ByteSize
    /// What happens to new messages when the stream is full; overwrites the oldest by default.
    public var onFull: FullPolicy
    /// 1 (drains first) to 10, 5 by default; equal priorities share the uplink.
    public var priority: Int

    /// Makes settings; what is not named has its default.
    public init(maxSize: ByteSize = .mebibytes(256), onFull: FullPolicy = .overwriteOldest, priority: Int = 5)
    {
        self.maxSize = maxSize
        self.onFull = onFull
        self.priority = priority
    }
}
