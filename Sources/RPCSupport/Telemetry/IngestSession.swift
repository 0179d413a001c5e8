public import HedgerowAPI
public import Identity
public import Messaging

/// A publisher's session on one stream, as its first request opened it.
public struct IngestSession: Hashable, Sendable {
    /// Who publishes; the name in the certificate.
    public let publisher: Principal
    /// Name of the publisher's stream.
    public let stream: String
    /// Which part of the stream, where an outage split it.
    public let lane: Lane
    /// Whether the publisher wants its messages to survive a power cut before they are acknowledged.
    public let wantsSync: Bool
    /// The run of the publisher's process.
    public let epoch: Epoch
    /// The oldest sequence that the publisher can still account for.
    public let oldestSequence: UInt64
    /// Counts the sessions of this server; the newest of a (publisher, stream) is the live one.
    public let generation: UInt64
    /// Whether the publisher traces as well, and so decides itself which of its messages are traced.
    public let callerTraces: Bool

    /// Makes a session.
    public init(
        publisher: Principal, stream: String, lane: Lane = .unspecified, epoch: Epoch, oldestSequence: UInt64,
        generation: UInt64,
        wantsSync: Bool = true, callerTraces: Bool = false
    ) {
        self.publisher = publisher
        self.stream = stream
        self.lane = lane
        self.wantsSync = wantsSync
        self.epoch = epoch
        self.oldestSequence = oldestSequence
        self.generation = generation
        self.callerTraces = callerTraces
    }
}
