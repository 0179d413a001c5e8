import Synchronization
import Testing
import Tracing

@testable import Observability

@Suite struct TracingTests {
    private struct Headers: Injector, Extractor {
        func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) {
            carrier[key] = value
        }

        func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
    }

    // Cases of W3C Trace Context, sections 3.2.2 and 4.3.
    @Test(arguments: [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", true),
        ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-comes-later", true),
        ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.what", false),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", false),
        ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
        ("00-00000000000000000000000000000000-b7ad6b7169203331-01", false),
        ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false),
        ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-01", false),
        ("00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
        ("", false),
    ])
    func aTraceparentIsReadOrRefused(_ text: String, _ isValid: Bool) throws {
        let read = TraceContext(traceparent: text)
        #expect((read != nil) == isValid)
        if let read, text.hasPrefix("00") { #expect(read.traceparent == text) }
    }

    @Test func aSpanBelongsToTheOneThatItBeganIn() throws {
        let tracer = RecordingTracer()
        let outer = tracer.startSpan("outer", context: .topLevel, ofKind: .server)
        let inner = tracer.startSpan("inner", context: outer.context)
        inner.attributes["rows"] = 3
        inner.end()
        outer.setStatus(.init(code: .error, message: "no"))
        outer.end()
        outer.end()
        let spans = tracer.buffer.take()
        try #require(spans.map(\.name) == ["inner", "outer"])
        #expect(spans[0].context.traceID == spans[1].context.traceID)
        #expect(spans[0].parentSpanID == spans[1].context.spanID)
        #expect(spans[1].parentSpanID == nil)
        #expect(spans[1].status?.code == .error)
        #expect(spans[0].attributes.count == 1)
    }

    @Test func aSpanNeverEndsBeforeItsStart() throws {
        let tracer = RecordingTracer()
        let span = tracer.startSpan(
            "s", context: .topLevel, at: DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: 1_000))
        span.end(at: DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: 10))
        #expect(try #require(tracer.buffer.take().first).end == 1_000)
    }

    @Test func anErrorBecomesAnEventAndTheStatus() throws {
        struct Broken: Error {}
        let tracer = RecordingTracer()
        let span = tracer.startSpan("s", context: .topLevel)
        span.recordError(Broken())
        span.end()
        let record = try #require(tracer.buffer.take().first)
        #expect(record.events.map(\.name) == ["exception"])
        #expect(record.status?.code == .error)
    }

    @Test func attributesEventsAndLinksAreBounded() throws {
        let tracer = RecordingTracer()
        let span = tracer.startSpan("s", context: .topLevel)
        var attributes: SpanAttributes = [:]
        for index in 0..<200 { attributes["a\(index)"] = 1 }
        span.attributes = attributes
        for _ in 0..<200 { span.addEvent("e") }
        for _ in 0..<200 { span.addLink(SpanLink(context: span.context, attributes: [:])) }
        span.end()
        let record = try #require(tracer.buffer.take().first)
        #expect(record.attributes.count == 128 && record.droppedAttributes == 72)
        #expect(record.events.count == 128 && record.droppedEvents == 72)
        #expect(record.links.count == 128 && record.droppedLinks == 72)
    }

    @Test func aTraceTravelsInHeaders() throws {
        let tracer = RecordingTracer()
        let span = tracer.startSpan("s", context: .topLevel)
        var headers: [String: String] = ["tracestate": "vendor=1"]
        tracer.inject(span.context, into: &headers, using: Headers())
        var context = InstrumentationContext.topLevel
        tracer.extract(headers, into: &context, using: Headers())
        #expect(context.traceContext == span.context.traceContext)
        var onwards: [String: String] = [:]
        tracer.inject(context, into: &onwards, using: Headers())
        #expect(onwards == headers)
    }

    @Test func withoutThePropagatorNothingTravels() {
        let tracer = RecordingTracer(propagates: false)
        var headers: [String: String] = [:]
        tracer.inject(tracer.startSpan("s", context: .topLevel).context, into: &headers, using: Headers())
        #expect(headers.isEmpty)
    }

    @Test func aFullBufferDropsWhatComesAndCountsIt() {
        let tracer = RecordingTracer(buffer: SpanBuffer(capacity: 3, batchSize: 2))
        for _ in 0..<5 { tracer.startSpan("s", context: .topLevel).end() }
        #expect(tracer.buffer.count == 3)
        #expect(tracer.buffer.takeDropped() == 2)
        #expect(tracer.buffer.takeDropped() == 0)
        #expect(tracer.buffer.take().count == 2)
    }

    @Test func whoeverListensIsToldOfAFullBatch() {
        let told = Mutex(0)
        let buffer = SpanBuffer(capacity: 10, batchSize: 2)
        buffer.whenBatchGathers { told.withLock { $0 += 1 } }
        let tracer = RecordingTracer(buffer: buffer)
        for _ in 0..<4 { tracer.startSpan("s", context: .topLevel).end() }
        #expect(told.withLock { $0 } == 1)
    }

    @Test func tracesThatBeginAreLimitedAndThoseThatGoOnAreNot() throws {
        let tracer = RecordingTracer(maximumTracesPerSecond: 5)
        let roots = (0..<50).map { _ in tracer.startSpan("root", context: .topLevel) }
        let sampled = roots.filter(\.isRecording)
        // A second's worth, and what grew while the loop ran.
        #expect(sampled.count >= 5 && sampled.count < 50)
        let first = try #require(sampled.first)
        for _ in 0..<50 { #expect(tracer.startSpan("child", context: first.context).isRecording) }
        let unsampled = try #require(roots.last { !$0.isRecording })
        #expect(!tracer.startSpan("child", context: unsampled.context).isRecording)
        #expect(unsampled.context.traceContext?.isSampled == false)
    }

    @Test func aRatioDecidesByTheTraceAndSoAlikeEverywhere() throws {
        let half = try #require(TraceSampler(name: "traceidratio", ratio: 0.5))
        #expect(half.samples(parent: nil, traceLow: 0))
        #expect(!half.samples(parent: nil, traceLow: 0x00FF_FFFF_FFFF_FFFF))
        #expect(half.samples(parent: nil, traceLow: 0xAA00_0000_0000_0001))
        let sampled = (0..<10_000).count { _ in half.samples(parent: nil, traceLow: .random(in: 0 ... .max)) }
        #expect((4_500...5_500).contains(sampled))
        #expect(TraceSampler(name: "xray", ratio: nil) == nil)
    }
}
