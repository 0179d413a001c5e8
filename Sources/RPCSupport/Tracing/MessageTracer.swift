public import HedgerowAPI
import Observability
public import Tracing

/// Records what happens to sampled messages on their way: each carries its trace as a `traceparent`, in the batch and
/// on the disk, so that it survives a restart in the middle.
///
/// The steps, each a span within the one before: `thing publish`, `core receive`, `core transform` (one for each
/// component), `core append`, `core wait` (in the stream), `core forward`, `cloud receive`, `cloud store`.
public struct MessageTracer: Sendable {
    private let tracer: any Tracer

    /// Makes a tracer of messages; nil where nothing is recorded, and then nothing is spent on it.
    public init?(_ tracer: any Tracer = InstrumentationSystem.tracer) {
        if tracer is NoOpTracer { return nil }
        self.tracer = tracer
    }

    /// Begins a span of one message.
    ///
    /// - Parameters:
    ///   - name: which step.
    ///   - parent: the message's `traceparent`; a trace begins where it is empty.
    ///   - time: when it began.
    /// - Returns: nil where the parent is malformed.
    public func start(
        _ name: String, parent: String, ofKind kind: SpanKind = .internal, at time: TraceTime = .now
    ) -> (any Span)? {
        var context = InstrumentationContext.topLevel
        if !parent.isEmpty {
            guard let trace = TraceContext(traceparent: parent) else { return nil }
            context.traceContext = trace
        }
        return tracer.startSpan(name, context: context, ofKind: kind, at: time)
    }

    /// Begins a span of one message within what the current task does, or a trace.
    public func startInCurrentTrace(_ name: String, ofKind kind: SpanKind, at time: TraceTime = .now)
        -> any Span
    {
        tracer.startSpan(name, context: .current ?? .topLevel, ofKind: kind, at: time)
    }

    /// Begins a span for each sampled message of a batch, ``MessageSpans/maximumRows`` at the most.
    public func start(
        _ name: String, for batch: Batch, ofKind kind: SpanKind = .internal, at time: TraceTime = .now
    ) -> MessageSpans {
        var spans = MessageSpans()
        for trace in batch.traces.prefix(MessageSpans.maximumRows) {
            guard let parent = TraceContext(traceparent: trace.traceparent), parent.isSampled,
                let span = start(name, parent: trace.traceparent, ofKind: kind, at: time)
            else { continue }
            spans.add(span, row: trace.row)
        }
        return spans
    }

    /// Lets a trace begin with a batch's first message, where no message of it is traced and the sampler takes it.
    public func beginTrace(
        _ name: String, with batch: Batch, ofKind kind: SpanKind, at time: TraceTime = .now
    ) -> MessageSpans {
        var spans = MessageSpans()
        guard batch.traces.isEmpty, let span = start(name, parent: "", ofKind: kind, at: time),
            span.isRecording
        else { return spans }
        spans.add(span, row: 0)
        return spans
    }

    /// Whether whoever called decides itself which of its messages are traced. To be asked in the handler's task.
    public static var callerDecides: Bool { InstrumentationContext.current?.isContinued ?? false }
}

/// A time in a trace, by the wall clock, to a nanosecond.
public typealias TraceTime = DefaultTracerClock.Timestamp

extension DefaultTracerClock.Timestamp {
    /// The current time.
    public static var now: Self { DefaultTracerClock.now }

    /// A time in microseconds since 1970.
    public init(microseconds: Int64) {
        self.init(nanosecondsSinceEpoch: UInt64(clamping: max(0, microseconds)) &* 1_000)
    }
}
