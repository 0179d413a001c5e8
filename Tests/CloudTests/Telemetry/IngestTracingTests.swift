import Foundation
import HedgerowAPI
import Identity
import Messaging
import Observability
import RPCSupport
import SwiftProtobuf
import Testing
import Tracing

@testable import Cloud

@Suite struct IngestTracingTests {
    private static let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    private func traced(_ sequence: UInt64, traceparent: String = parent) -> IngestItem {
        var publication = Publication()
        publication.sequence = sequence
        publication.message.topic = "hall/air"
        publication.message.reading.values = ["t": .with { $0.doubleValue = 1 }]
        publication.message.traceparent = traceparent
        return .messages(IncomingPublication(publication, now: TelemetryFixture.start))
    }

    @Test func receivingAndStoringAreStepsOfTheMessagesTrace() async throws {
        let tracer = RecordingTracer()
        try await TelemetryFixture.with { fixture in
            let session = try TelemetryFixture.session(.thing, "thing-1")
            _ = try fixture.open(session)
            let result = try fixture.ingest([traced(1)], session, tracer: MessageTracer(tracer))
            #expect(tracer.buffer.count == 0, "nothing is told before the commit")
            result.spans.commit()
            let spans = tracer.buffer.take()
            let receive = try #require(spans.first { $0.name == "cloud receive" })
            let store = try #require(spans.first { $0.name == "cloud store" })
            #expect(spans.count == 2)
            #expect(receive.parentSpanID == 0xb7ad_6b71_6920_3331)
            #expect(store.parentSpanID == receive.context.spanID)
            // History has the trace that the message came with.
            #expect(try fixture.history().records.map(\.message.traceparent) == [Self.parent])
        }
    }

    @Test func aCopyIsReceivedAndNotStored() async throws {
        let tracer = RecordingTracer()
        try await TelemetryFixture.with { fixture in
            let first = try TelemetryFixture.session(.core, "pi-1")
            let second = try TelemetryFixture.session(.core, "pi-2")
            for session in [first, second] {
                _ = try fixture.open(session)
                var publication = Publication()
                publication.sequence = 1
                publication.message.topic = "hall/air"
                publication.message.payload.data = Data([1])
                publication.message.traceparent = Self.parent
                publication.origin = .with {
                    $0.thing = "thing-1"
                    $0.epoch = Data(TelemetryFixture.epoch(9).bytes)
                    $0.firstSequence = 1
                    $0.lastSequence = 1
                }
                let item = IngestItem.messages(
                    IncomingPublication(publication, now: TelemetryFixture.start))
                try fixture.ingest([item], session, tracer: MessageTracer(tracer)).spans.commit()
            }
            let names = tracer.buffer.take().map(\.name)
            #expect(names.count { $0 == "cloud receive" } == 2)
            #expect(names.count { $0 == "cloud store" } == 1)
        }
    }

    @Test func aRefusalIsRecordedAsTheFailureOfTheReceiving() async throws {
        let tracer = RecordingTracer()
        try await TelemetryFixture.with { fixture in
            let session = try TelemetryFixture.session(.operator, "admin")
            _ = try fixture.open(session)
            // No subscription leads from the cloud to a thing for this topic.
            try fixture.ingest([traced(1)], session, tracer: MessageTracer(tracer)).spans.commit()
            let spans = tracer.buffer.take()
            #expect(spans.map(\.name) == ["cloud receive"])
            #expect(spans.first?.status?.code == .error)
        }
    }
}
