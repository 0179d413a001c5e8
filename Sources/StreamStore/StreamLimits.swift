/// How much a stream holds and what happens then.
public struct StreamLimits: Hashable, Sendable {
    /// Most bytes of payload.
    public var maximumBytes: Int64
    /// Whether a full stream overwrites its oldest messages; otherwise it takes nothing new.
    public var overwritesOldest: Bool

    /// Makes limits.
    public init(maximumBytes: Int64, overwritesOldest: Bool) {
        self.maximumBytes = maximumBytes
        self.overwritesOldest = overwritesOldest
    }
}
