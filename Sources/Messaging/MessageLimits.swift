/// How large messages may be (semantics, section 8).
public struct MessageLimits: Hashable, Sendable {
    /// Most bytes of one message, content and topic together. Default: 1 MiB.
    public var maximumMessageBytes = 1 << 20
    /// Most fields of a reading. Default: 256.
    public var maximumFields = 256
    /// Most bytes of a field's name. Default: 128.
    public var maximumFieldNameBytes = 128
    /// Most bytes of a unit. Default: 64.
    public var maximumUnitBytes = 64
    /// Most bytes of one text value. Default: 64 KiB.
    public var maximumTextBytes = 64 << 10
    /// Most bytes of the reason why a sample failed. Default: 256.
    public var maximumStatusReasonBytes = 256
    /// Most bytes of a payload's content type. Default: 256.
    public var maximumContentTypeBytes = 256
    /// Most messages of a batch. Default: 1,000.
    public var maximumBatchMessages = 1_000
    /// Most bytes of a batch. Default: 1 MiB.
    public var maximumBatchBytes = 1 << 20
    /// Longest time from the first to the last sample of a batch. Default: one hour; history relies on it
    /// to find the newest samples without looking at every batch.
    public var maximumBatchSpan = Duration.seconds(3_600)
    /// Limits of topics.
    public var topics = TopicLimits.standard

    /// The defaults.
    public init() {}

    /// The defaults.
    public static let standard = MessageLimits()
}
