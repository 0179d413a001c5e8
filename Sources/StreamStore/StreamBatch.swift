/// A batch in a durable stream, with what must be known about it when it is sent.
public struct StreamBatch: Hashable, Sendable {
    /// What made derived messages.
    public struct Source: Hashable, Sendable {
        /// Component name.
        public let component: String
        /// Component version.
        public let version: String
        /// Number of the group revision that it ran under.
        public let revision: UInt64

        /// Makes a source.
        public init(component: String, version: String, revision: UInt64) {
            self.component = component
            self.version = version
            self.revision = revision
        }
    }

    /// The batch as bytes.
    public var payload: [UInt8]
    /// The origins that it covers, and which of them its messages have.
    public var origin: StreamEntry.OriginRange
    /// What made the messages; nil where they are the thing's own.
    public var source: Source?
    /// When the core received what they come from, microseconds since 1970.
    public var receiveTime: Int64
    /// Whether the clock behind ``receiveTime`` was doubtful.
    public var isReceiveTimeDoubtful: Bool
    /// When it was appended, microseconds since 1970, where messages of it carry traces: then those that send it look
    /// at them. Nil where none does.
    public var tracedSince: Int64?

    /// Makes a batch.
    public init(
        payload: [UInt8], origin: StreamEntry.OriginRange, source: Source? = nil, receiveTime: Int64,
        isReceiveTimeDoubtful: Bool, tracedSince: Int64? = nil
    ) {
        self.payload = payload
        self.origin = origin
        self.source = source
        self.receiveTime = receiveTime
        self.isReceiveTimeDoubtful = isReceiveTimeDoubtful
        self.tracedSince = tracedSince
    }
}
