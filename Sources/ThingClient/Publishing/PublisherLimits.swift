/// The bounds of what a thing keeps in memory and sends at once.
///
/// The wire's own limits (1 MiB a message, 1,000 messages, 1 MiB and one hour a batch; semantics, section 8)
/// are ceilings of the settings here.
public struct PublisherLimits: Hashable, Sendable {
    /// Most QoS 1 messages kept until they are acknowledged. Default 10,000; at least 1.
    public var bufferedMessages: Int
    /// Most bytes of QoS 1 messages kept until they are acknowledged. Default 16 MiB; at least the largest
    /// message.
    public var bufferedBytes: Int
    /// Most QoS 0 messages that wait for a busy stream; the oldest is dropped and counted. Default 1,000.
    public var volatileMessages: Int
    /// Most messages in one batch. Default and ceiling 1,000.
    public var batchMessages: Int
    /// Most bytes in one batch, and of one message. Default and ceiling 1 MiB.
    public var batchBytes: Int

    /// Makes limits.
    public init(
        bufferedMessages: Int = 10_000, bufferedBytes: Int = 16 << 20, volatileMessages: Int = 1_000,
        batchMessages: Int = 1_000, batchBytes: Int = 1 << 20
    ) {
        self.batchMessages = min(max(batchMessages, 1), 1_000)
        self.batchBytes = min(max(batchBytes, 1_024), 1 << 20)
        self.bufferedMessages = max(bufferedMessages, 1)
        self.bufferedBytes = max(bufferedBytes, self.batchBytes)
        self.volatileMessages = max(volatileMessages, 1)
    }

    /// Most messages of one request on the wire.
    var requestMessages: Int { 4 * batchMessages }
    /// Most bytes of one request on the wire, as ``OutgoingMessage/cost`` counts them; well below the 4 MiB
    /// that a server takes.
    var requestBytes: Int { 2 * batchBytes }
    /// Longest time between the first and the last sample of a batch, in microseconds: one hour.
    static let batchSpan: Int64 = 3_600_000_000
}
