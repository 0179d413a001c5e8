import Synchronization
public import Tracing

/// A span of a ``RecordingTracer``. One that is not sampled records nothing, and passes its trace on all the same.
public final class RecordingSpan: Tracing.Span {
    /// What spans that begin within it are given.
    public let context: InstrumentationContext

    /// Nil where it is not sampled, and after its end.
    private let record: Mutex<SpanRecord?>
    private let onEnd: @Sendable (SpanRecord) -> Void

    init(
        context: InstrumentationContext, record: SpanRecord?, onEnd: @escaping @Sendable (SpanRecord) -> Void
    ) {
        self.context = context
        self.record = Mutex(record)
        self.onEnd = onEnd
    }

    /// Whether it is sampled and has not ended.
    public var isRecording: Bool { record.withLock { $0 != nil } }

    /// What is done; empty where nothing is recorded.
    public var operationName: String {
        get { record.withLock { $0?.name ?? "" } }
        set { record.withLock { $0?.name = newValue } }
    }

    /// More about it, at most ``SpanRecord/maximumAttributes``.
    public var attributes: SpanAttributes {
        get { record.withLock { $0?.attributes ?? [:] } }
        set {
            record.withLock { record in
                guard record != nil else { return }
                let (kept, dropped) = Self.bounded(newValue)
                record?.attributes = kept
                record?.droppedAttributes += dropped
            }
        }
    }

    /// Says whether it went well.
    public func setStatus(_ status: SpanStatus) {
        record.withLock { $0?.status = status }
    }

    /// Adds something that happened.
    public func addEvent(_ event: SpanEvent) {
        let (kept, _) = Self.bounded(event.attributes)
        add(.init(name: event.name, time: event.nanosecondsSinceEpoch, attributes: kept))
    }

    /// Adds an error as an event `exception` and makes it the status, where none was set.
    public func recordError<Instant: TracerInstant>(
        _ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant
    ) {
        guard isRecording else { return }
        var (all, _) = Self.bounded(attributes)
        all["exception.type"] = String(reflecting: type(of: error))
        all["exception.message"] = "\(error)"
        add(.init(name: "exception", time: instant().nanosecondsSinceEpoch, attributes: all))
        record.withLock { record in
            if record != nil, record?.status == nil {
                record?.status = .init(code: .error, message: "\(error)")
            }
        }
    }

    /// Adds a span that it has to do with; one without a trace is ignored.
    public func addLink(_ link: SpanLink) {
        guard let context = link.context.traceContext else { return }
        record.withLock { record in
            guard let count = record?.links.count else { return }
            guard count < SpanRecord.maximumEvents else {
                record?.droppedLinks += 1
                return
            }
            record?.links.append(.init(context: context, attributes: Self.bounded(link.attributes).kept))
        }
    }

    /// Ends it; a second end does nothing.
    public func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        let ended = record.withLock { record in
            defer { record = nil }
            return record
        }
        guard var ended else { return }
        // The wall clock may have been set back meanwhile.
        ended.end = max(ended.start, instant().nanosecondsSinceEpoch)
        onEnd(ended)
    }

    private func add(_ event: SpanRecord.Event) {
        record.withLock { record in
            guard let count = record?.events.count else { return }
            guard count < SpanRecord.maximumEvents else {
                record?.droppedEvents += 1
                return
            }
            record?.events.append(event)
        }
    }

    private static func bounded(_ attributes: SpanAttributes) -> (kept: SpanAttributes, dropped: Int) {
        guard attributes.count > SpanRecord.maximumAttributes else { return (attributes, 0) }
        var kept: SpanAttributes = [:]
        func keep(_ name: String, _ value: SpanAttribute) {
            if kept.count < SpanRecord.maximumAttributes { kept[name] = value }
        }
        attributes.forEach(keep)
        return (kept, attributes.count - kept.count)
    }
}
