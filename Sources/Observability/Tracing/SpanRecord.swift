public import Tracing

/// A span that has ended, as it is exported.
public struct SpanRecord: Sendable {
    /// Something that happened during the span.
    public struct Event: Sendable {
        /// What.
        public let name: String
        /// When, nanoseconds since 1970.
        public let time: UInt64
        /// More about it.
        public let attributes: SpanAttributes
    }

    /// Another span that it has to do with.
    public struct Link: Sendable {
        /// Which.
        public let context: TraceContext
        /// More about it.
        public let attributes: SpanAttributes
    }

    /// Most attributes of a span, an event or a link; what exceeds it is counted.
    public static let maximumAttributes = 128
    /// Most events of a span, and most links; what exceeds it is counted.
    public static let maximumEvents = 128

    /// Trace and span.
    public let context: TraceContext
    /// The span that it is part of; nil at the root of a trace.
    public let parentSpanID: UInt64?
    /// What was done.
    public var name: String
    /// Which side of which kind of operation.
    public let kind: SpanKind
    /// Start, nanoseconds since 1970.
    public let start: UInt64
    /// End, nanoseconds since 1970; never before ``start``, whatever the clock did.
    public var end: UInt64
    /// More about it.
    public var attributes: SpanAttributes = [:]
    /// What happened, in its order.
    public var events: [Event] = []
    /// Spans that it has to do with.
    public var links: [Link] = []
    /// Whether it went well, where that was said.
    public var status: SpanStatus?
    /// Attributes left out.
    public var droppedAttributes = 0
    /// Events left out.
    public var droppedEvents = 0
    /// Links left out.
    public var droppedLinks = 0

    init(context: TraceContext, parentSpanID: UInt64?, name: String, kind: SpanKind, start: UInt64) {
        self.context = context
        self.parentSpanID = parentSpanID
        self.name = name
        self.kind = kind
        self.start = start
        end = start
    }
}
