import Foundation
import HedgerowAPI
import Observability
import RPCSupport
import Testing
import Tracing

@testable import ThingClient

@Suite struct PublicationTracesTests {
    private let tracer = RecordingTracer()

    private func traces() throws -> PublicationTraces {
        try #require(PublicationTraces(MessageTracer(tracer)))
    }

    private func message(traceparent: String = "") throws -> OutgoingMessage {
        try OutgoingMessage(
            topic: "hall/air", values: ["t": 1], time: Date(timeIntervalSince1970: 0),
            traceparent: traceparent)
    }

    @Test func aMessageCarriesItsSpanWhichEndsWithTheAcknowledgement() throws {
        let traces = try traces()
        var message = try message()
        let cost = message.cost
        let span = try #require(traces.begin(&message, qos: .atLeastOnce))
        #expect(message.traceparent == span.context.traceContext?.traceparent)
        #expect(message.cost == cost + TraceContext.traceparentLength)
        traces.enter(span, sequence: 7)
        traces.note(.acknowledged(epoch: "e", sequences: 1...6))
        #expect(tracer.buffer.count == 0)
        traces.note(.acknowledged(epoch: "e", sequences: 7...9))
        #expect(tracer.buffer.take().map(\.status?.code) == [nil])
    }

    @Test func aMessageOfATraceGoesOnWithIt() throws {
        let traces = try traces()
        var message = try message(traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        try #require(traces.begin(&message, qos: .atMostOnce)).end()
        let record = try #require(tracer.buffer.take().first)
        #expect(record.parentSpanID == 0xb7ad_6b71_6920_3331)
        #expect(message.traceparent == record.context.traceparent)
        var unsampled = try self.message(
            traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
        #expect(traces.begin(&unsampled, qos: .atMostOnce) == nil)
        #expect(unsampled.traceparent.hasSuffix("-00"))
    }

    @Test func anAcknowledgementMayComeBeforeTheSpanIsEntered() throws {
        let traces = try traces()
        var message = try message()
        let span = try #require(traces.begin(&message, qos: .atLeastOnce))
        traces.note(.acknowledged(epoch: "e", sequences: 1...3))
        traces.enter(span, sequence: 2)
        #expect(tracer.buffer.count == 1)
    }

    @Test func whatIsRefusedOrDroppedEndsAsAFailure() throws {
        let traces = try traces()
        for sequence in 1...3 as ClosedRange<UInt64> {
            var message = try message()
            traces.enter(try #require(traces.begin(&message, qos: .atLeastOnce)), sequence: sequence)
        }
        traces.note(.rejected(sequences: 2...2, reason: .noRoute, detail: "nobody listens"))
        #expect(tracer.buffer.take().map(\.status?.message) == ["NO_ROUTE: nobody listens"])
        // 1 gave way to newer ones and was declared lost.
        traces.note(.acknowledged(epoch: "e", sequences: 3...3))
        let rest = tracer.buffer.take()
        #expect(rest.count == 2)
        #expect(rest.count { $0.status?.code == .error } == 1)
    }

    @Test func aTraceDoesNotMakeAMessageTooLarge() throws {
        let traces = try traces()
        let most = MessageRules.largestMessage - MessageRules.overhead - "t".utf8.count - "x/y".utf8.count - 6
        var full = try OutgoingMessage(
            topic: "t", payload: Array(repeating: 1, count: most), contentType: "x/y", time: Date())
        #expect(traces.begin(&full, qos: .atLeastOnce) == nil)
        #expect(full.traceparent.isEmpty && full.cost <= MessageRules.largestMessage)
    }

    @Test func theNumberOfOpenSpansIsBoundedAndTheEndClosesThem() throws {
        let tracer = RecordingTracer(
            buffer: SpanBuffer(capacity: 10_000), maximumTracesPerSecond: 10_000)
        let traces = try #require(PublicationTraces(MessageTracer(tracer)))
        for sequence in 1...UInt64(PublicationTraces.maximumOpen + 5) {
            var message = try message()
            traces.enter(try #require(traces.begin(&message, qos: .atLeastOnce)), sequence: sequence)
        }
        #expect(tracer.buffer.count == 5)
        traces.close()
        #expect(tracer.buffer.count == PublicationTraces.maximumOpen + 5)
    }
}
