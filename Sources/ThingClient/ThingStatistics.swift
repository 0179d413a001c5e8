/// Counts since the thing was made. Every QoS 1 message that was published is in exactly one of
/// `acknowledged`, `rejected`, `lost` and `unsettled`.
public struct ThingStatistics: Hashable, Sendable, Codable {
    /// Epoch of this process, 16 random bytes in lower-case hexadecimal.
    public var epoch: String
    /// Messages taken by `publish`, both guarantees.
    public var published: UInt64 = 0
    /// Messages written to a stream at least once, both guarantees.
    public var sent: UInt64 = 0
    /// QoS 1 messages that a server has for good.
    public var acknowledged: UInt64 = 0
    /// The newest sequence that is settled; all up to it are acknowledged, rejected or lost.
    public var lastAcknowledgedSequence: UInt64 = 0
    /// Messages that a server refused for ever.
    public var rejected: UInt64 = 0
    /// QoS 1 messages that gave way in a full buffer, and QoS 0 messages that found no connection or a busy one.
    public var dropped: UInt64 = 0
    /// QoS 1 messages declared lost to a server.
    public var lost: UInt64 = 0
    /// QoS 1 messages that are neither acknowledged nor rejected nor lost yet.
    public var unsettled: UInt64 = 0
    /// Bytes that the buffered QoS 1 messages count for.
    public var bufferedBytes: Int = 0
    /// Sessions after the first one.
    public var reconnects: UInt64 = 0
    /// Name of the core that the thing is connected to, `cloud` for a direct one, nil without a connection.
    public var currentCore: String?

    init(epoch: String) {
        self.epoch = epoch
    }
}
