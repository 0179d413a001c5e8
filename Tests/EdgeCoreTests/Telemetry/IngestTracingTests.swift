import Foundation
import GRDB
import HedgerowAPI
import Identity
import Messaging
import Observability
import RPCSupport
import StreamStore
import SwiftProtobuf
import Testing
import Tracing

@testable import EdgeCore

@Suite struct IngestTracingTests {
    private static let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    private let routes = revision([("thing:a", "t/#", "cloud", "")])

    /// Messages of which some carry a trace.
    private func traced(
        _ first: UInt64, _ last: UInt64, rows: [UInt32], topic: String = "t/a", traceparent: String = parent
    ) -> IngestItem {
        var publication = Publication()
        publication.sequence = first
        publication.batch.topic = topic
        publication.batch.timeOffsetsUs = (first...last).map { Int64($0) }
        publication.batch.payloads.data = (first...last).map { _ in Data([1]) }
        publication.batch.traces = rows.map { row in
            .with {
                $0.row = row
                $0.traceparent = traceparent
            }
        }
        return .messages(IncomingPublication(publication, now: 0))
    }

    /// What the first entry of the stream carries.
    private func stored(_ fixture: TelemetryFixture) async throws -> (batch: Batch, isTraced: Bool) {
        let current = fixture.parts.epoch
        let entry = try await fixture.pool.write { db in
            let streams = DurableStreams(db)
            let epoch = try #require(try streams.epochs(of: "default", current: current).last)
            return try #require(
                try streams.entries(of: epoch, after: 0, limit: 1, maximumBytes: .max).first)
        }
        guard case .batch(let batch) = entry.content else { throw CancellationError() }
        return (try Batch(serializedBytes: batch.payload), batch.tracedSince != nil)
    }

    @Test func aSampledMessageIsFollowedFromItsArrivalToTheDiskAndOnFromThere() async throws {
        let tracer = RecordingTracer()
        try await TelemetryFixture.with(tracer: MessageTracer(tracer)) { fixture in
            let session = try fixture.session()
            let result = try await fixture.transaction(session, routes) { transaction in
                _ = try transaction.open()
                return try transaction.ingest([traced(1, 3, rows: [1])])
            }
            #expect(tracer.buffer.count == 0, "nothing is told before the commit")
            result.spans.commit()
            let spans = tracer.buffer.take()
            let receive = try #require(spans.first { $0.name == "core receive" })
            let append = try #require(spans.first { $0.name == "core append" })
            #expect(spans.count == 2)
            #expect(receive.parentSpanID == 0xb7ad_6b71_6920_3331)
            #expect(append.parentSpanID == receive.context.spanID)
            #expect(receive.kind == .consumer)
            let (batch, isTraced) = try await stored(fixture)
            #expect(isTraced)
            #expect(batch.traces.map(\.row) == [1])
            #expect(batch.traces.map(\.traceparent) == [append.context.traceparent])
        }
    }

    @Test func withoutATracerATraceTravelsOnAsItCame() async throws {
        try await TelemetryFixture.with { fixture in
            let session = try fixture.session()
            _ = try await fixture.transaction(session, routes) { transaction in
                _ = try transaction.open()
                return try transaction.ingest([traced(1, 2, rows: [0])])
            }
            let (batch, isTraced) = try await stored(fixture)
            #expect(isTraced)
            #expect(batch.traces.map(\.traceparent) == [Self.parent])
        }
    }

    @Test func whatIsNotSampledIsNeitherRecordedNorChanged() async throws {
        let tracer = RecordingTracer()
        try await TelemetryFixture.with(tracer: MessageTracer(tracer)) { fixture in
            let session = try fixture.session()
            let unsampled = String(Self.parent.dropLast()) + "0"
            for (first, text) in [(1, unsampled), (2, "00-what-01")] as [(UInt64, String)] {
                let result = try await fixture.transaction(session, routes) { transaction in
                    _ = try transaction.open()
                    return try transaction.ingest([traced(first, first, rows: [0], traceparent: text)])
                }
                result.spans.commit()
            }
            #expect(tracer.buffer.count == 0)
            #expect(try await stored(fixture).batch.traces.map(\.traceparent) == [unsampled])
        }
    }

    @Test func aBatchOfManySampledMessagesGetsSpansForTheFirstOfThem() async throws {
        let tracer = RecordingTracer()
        try await TelemetryFixture.with(tracer: MessageTracer(tracer)) { fixture in
            let session = try fixture.session()
            let result = try await fixture.transaction(session, routes) { transaction in
                _ = try transaction.open()
                return try transaction.ingest([traced(1, 40, rows: Array(0..<40))])
            }
            result.spans.commit()
            #expect(tracer.buffer.take().count { $0.name == "core receive" } == MessageSpans.maximumRows)
            let traces = try await stored(fixture).batch.traces
            #expect(traces.count == 40)
            #expect(traces.count { $0.traceparent == Self.parent } == 40 - MessageSpans.maximumRows)
        }
    }

    @Test func aRefusalIsRecordedAsTheFailureOfTheReceiving() async throws {
        let tracer = RecordingTracer()
        try await TelemetryFixture.with(tracer: MessageTracer(tracer)) { fixture in
            let session = try fixture.session()
            let result = try await fixture.transaction(session, routes) { transaction in
                _ = try transaction.open()
                return try transaction.ingest([traced(1, 1, rows: [0], topic: "elsewhere")])
            }
            result.spans.commit()
            let spans = tracer.buffer.take()
            #expect(spans.map(\.name) == ["core receive"])
            #expect(spans.first?.status?.code == .error)
            #expect(spans.first?.status?.message?.contains("NO_ROUTE") == true)
        }
    }

    @Test(arguments: [false, true]) func aTraceBeginsHereOnlyWhereThePublisherKnowsOfNone(
        callerTraces: Bool
    ) async throws {
        let tracer = RecordingTracer()
        try await TelemetryFixture.with(tracer: MessageTracer(tracer)) { fixture in
            let plain = try fixture.session()
            let session = IngestSession(
                publisher: plain.publisher, stream: plain.stream, epoch: plain.epoch, oldestSequence: 1,
                generation: 1, callerTraces: callerTraces)
            let result = try await fixture.transaction(session, routes) { transaction in
                _ = try transaction.open()
                return try transaction.ingest([messages(1, 3)])
            }
            result.spans.commit()
            let (batch, isTraced) = try await stored(fixture)
            #expect(isTraced == !callerTraces)
            #expect(batch.traces.map(\.row) == (callerTraces ? [] : [0]))
            #expect(tracer.buffer.take().count == (callerTraces ? 0 : 2))
        }
    }
}
