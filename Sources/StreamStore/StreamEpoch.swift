public import Messaging

/// One run of the core's process, as far as one stream is concerned.
public struct StreamEpoch: Hashable, Sendable {
    /// Row id; ascending with time.
    public let id: Int64
    /// Name of the stream.
    public let stream: String
    /// The epoch.
    public let epoch: Epoch
    /// The sequence that the next message gets.
    public let next: UInt64
    /// Everything up to here is at the receiver.
    public let acknowledged: UInt64
    /// The oldest sequence that can still be sent or accounted for.
    public let oldest: UInt64

    /// Whether it is in memory, and not in the core's database.
    public var isInMemory = false

    /// Whether something is still to be sent.
    public var hasBacklog: Bool { next > acknowledged + 1 }
}
