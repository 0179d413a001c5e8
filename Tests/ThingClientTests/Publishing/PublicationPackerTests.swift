import Foundation
import HedgerowAPI
import SwiftProtobuf
import Testing

@testable import ThingClient

@Suite("Packing messages into batches")
struct PublicationPackerTests {
    private let packer = PublicationPacker(limits: PublisherLimits(batchMessages: 100))

    @Test func neighboursOfOneShapeShareABatchThatSaysNamesOnce() throws {
        let messages = try (0..<3).map {
            try message(Double($0), at: noon.addingTimeInterval(Double($0) * 0.25))
        }
        let packed = packer.pack(messages, firstSequence: 7)
        try #require(packed.count == 1)
        #expect(packed[0].sequence == 7)
        #expect(packed[0].batch.topic == "t/readings")
        #expect(packed[0].batch.timeOffsetsUs == [0, 250_000, 500_000])
        #expect(packed[0].batch.baseTime.seconds == 1_772_366_400)
        #expect(packed[0].batch.readings.columns.count == 1)
        #expect(values(of: packed[0]) == [0, 1, 2])
    }

    @Test func anotherTopicOrShapeBeginsAnotherBatchInTheSameOrder() throws {
        let messages = [
            try message(1), try message(2, topic: "other"), try message(3), try message(4, note: "n"),
            try message(5),
        ]
        let packed = packer.pack(messages, firstSequence: 1)
        #expect(packed.map(\.sequence) == [1, 2, 3, 4, 5])
        let alternating = packer.pack([messages[0], messages[2], messages[1]], firstSequence: 1)
        #expect(alternating.map(\.sequence) == [1, 3])
    }

    @Test func unitsAndTypesArePartOfTheShape() throws {
        let celsius = try OutgoingMessage(topic: "t", values: ["x": 1.0], units: ["x": "°C"], time: noon)
        let bare = try OutgoingMessage(topic: "t", values: ["x": 1.0], time: noon)
        let whole = try OutgoingMessage(topic: "t", values: ["x": 1], time: noon)
        #expect(packer.pack([celsius, bare, whole], firstSequence: 1).count == 3)
        #expect(packer.pack([celsius], firstSequence: 1)[0].batch.readings.columns[0].unit == "°C")
    }

    @Test func aBatchSpansAtMostAnHourAndAHundredMessagesHere() throws {
        let late = [
            try message(1), try message(2, at: noon.addingTimeInterval(3_600)),
            try message(3, at: noon.addingTimeInterval(3_600.001)),
        ]
        #expect(packer.pack(late, firstSequence: 1).map(\.batch.timeOffsetsUs.count) == [2, 1])
        let many = try (0..<250).map { try message(Double($0)) }
        #expect(packer.pack(many, firstSequence: 1).map(\.batch.timeOffsetsUs.count) == [100, 100, 50])
    }

    @Test func timesBefore1970HavePositiveNanoseconds() throws {
        let stamp = PublicationPacker.timestamp(-1)
        #expect(stamp.seconds == -1)
        #expect(stamp.nanos == 999_999_000)
    }

    @Test func payloadsAndFailedSamplesTravelToo() throws {
        let bytes = try OutgoingMessage(topic: "t", payload: [1, 2], contentType: "image/png", time: noon)
        let failed = try OutgoingMessage(topic: "t", failure: "bus error", time: noon)
        let packed = packer.pack([bytes, bytes, failed], firstSequence: 1)
        try #require(packed.count == 2)
        #expect(packed[0].batch.payloads.data == [Data([1, 2]), Data([1, 2])])
        #expect(packed[0].batch.payloads.contentType == "image/png")
        #expect(packed[1].message.reading.status == .failed)
        #expect(packed[1].message.reading.statusReason == "bus error")
    }

    @Test func tracesStayWithTheirRow() throws {
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let traced = try OutgoingMessage(
            topic: "t/readings", values: ["value": 2.0], time: noon, traceparent: trace)
        let packed = packer.pack([try message(1), traced], firstSequence: 1)
        #expect(packed[0].batch.traces.map(\.row) == [1])
        #expect(packed[0].batch.traces.map(\.traceparent) == [trace])
    }

    @Test func messagesWithoutASequenceStayWithoutOne() throws {
        var outgoing = PublisherBuffer.Outgoing()
        outgoing.volatile = [try message(1), try message(2, topic: "other")]
        outgoing.firstSequence = 9
        outgoing.messages = [try message(3)]
        outgoing.lost = 4...8
        let request = packer.request(for: outgoing)
        #expect(request.publications.map(\.sequence) == [0, 0, 9])
        #expect(request.lost.map(\.firstSequence) == [4])
        #expect(request.lost.map(\.reason) == [.overwritten])
    }

    @Test func theCountedSizeIsAnUpperBoundOfTheWire() throws {
        let messages = try (0..<100).map {
            try message(Double($0) * 1.37, note: String(repeating: "ä", count: $0))
        }
        for publication in packer.pack(messages, firstSequence: 1) {
            #expect(try publication.serializedData().count <= messages.map(\.cost).reduce(0, +))
        }
        let one = packer.pack([messages[50]], firstSequence: 1)[0]
        #expect(try one.serializedData().count <= messages[50].cost)
    }
}
