public import Tracing

/// The tracer of our programs: samples, records, and passes traces on as W3C Trace Context.
///
/// It never waits: spans go to a bounded buffer. Traces that begin here are limited to
/// ``maximumTracesPerSecond``; what exceeds that is not sampled, so that recording never slows the flow.
public final class RecordingTracer: Tracer {
    /// Most traces that begin in a second, unless it is made with another number.
    public static let maximumTracesPerSecond = 100
    /// Name of the header with the trace, in lower case as in gRPC metadata.
    public static let traceparentHeader = "traceparent"
    /// Name of the header with what vendors add; passed on as it came.
    public static let tracestateHeader = "tracestate"
    /// Most bytes of a `tracestate` that are passed on (W3C Trace Context, section 3.3.1.5: at least 512).
    public static let maximumTracestateBytes = 512

    /// Where the spans go.
    public let buffer: SpanBuffer
    private let sampler: TraceSampler
    private let budget: TraceBudget
    private let propagates: Bool

    /// Makes a tracer.
    ///
    /// - Parameters:
    ///   - sampler: which traces are recorded.
    ///   - buffer: where the spans go.
    ///   - maximumTracesPerSecond: traces that may begin here in a second.
    ///   - propagates: whether traces are passed on in headers.
    public init(
        sampler: TraceSampler = TraceSampler(), buffer: SpanBuffer = SpanBuffer(),
        maximumTracesPerSecond: Int = RecordingTracer.maximumTracesPerSecond, propagates: Bool = true
    ) {
        self.sampler = sampler
        self.buffer = buffer
        self.propagates = propagates
        budget = TraceBudget(perSecond: maximumTracesPerSecond)
    }

    /// Begins a span within the context's one, or a trace.
    public func startSpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> InstrumentationContext, ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
    ) -> RecordingSpan {
        var context = context()
        let parent = context.traceContext
        var generator = SystemRandomNumberGenerator()
        let traceHigh = parent?.traceHigh ?? generator.next()
        let traceLow = parent?.traceLow ?? generator.next(upperBound: UInt64.max) + 1
        let isSampled =
            sampler.samples(parent: parent, traceLow: traceLow) && (parent != nil || budget.take())
        let own = TraceContext(
            traceHigh: traceHigh, traceLow: traceLow, spanID: generator.next(upperBound: UInt64.max) + 1,
            isSampled: isSampled)
        context.traceContext = own
        let record =
            isSampled
            ? SpanRecord(
                context: own, parentSpanID: parent?.spanID, name: operationName, kind: kind,
                start: instant().nanosecondsSinceEpoch)
            : nil
        return RecordingSpan(context: context, record: record, onEnd: { [buffer] in buffer.add($0) })
    }

    /// Does nothing: the exporter looks after the buffer.
    public func forceFlush() {}

    /// Writes the context's trace into headers.
    public func inject<Carrier, Inject: Injector>(
        _ context: InstrumentationContext, into carrier: inout Carrier, using injector: Inject
    ) where Inject.Carrier == Carrier {
        guard propagates, let trace = context.traceContext else { return }
        injector.inject(trace.traceparent, forKey: Self.traceparentHeader, into: &carrier)
        if let state = context.tracestate {
            injector.inject(state, forKey: Self.tracestateHeader, into: &carrier)
        }
    }

    /// Reads a trace from headers; what is malformed is as good as absent.
    public func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier, into context: inout InstrumentationContext, using extractor: Extract
    ) where Extract.Carrier == Carrier {
        guard propagates, let text = extractor.extract(key: Self.traceparentHeader, from: carrier),
            let trace = TraceContext(traceparent: text)
        else { return }
        context.traceContext = trace
        if let state = extractor.extract(key: Self.tracestateHeader, from: carrier),
            !state.isEmpty, state.utf8.count <= Self.maximumTracestateBytes
        {
            context.tracestate = state
        }
    }
}

extension InstrumentationContext {
    private enum TracestateKey: InstrumentationContextKey {
        typealias Value = String
        static var nameOverride: String? { "hedgerow.tracestate" }
    }

    /// What vendors added to the trace; passed on as it came.
    var tracestate: String? {
        get { self[TracestateKey.self] }
        set { self[TracestateKey.self] = newValue }
    }
}
