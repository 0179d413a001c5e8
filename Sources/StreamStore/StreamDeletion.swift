/// What deleting from a stream cost.
public struct StreamDeletion: Hashable, Sendable {
    /// Messages that are gone.
    public internal(set) var messages: UInt64 = 0
    /// How many of them the cloud did not have; they are entered as lost.
    public internal(set) var lost: UInt64 = 0
    /// Bytes of payload that are free again.
    public internal(set) var bytes: Int64 = 0
    /// Whether it stopped at its limit, and there may be more.
    public internal(set) var hasMore = false

    /// Nothing was deleted.
    public init() {}
}
