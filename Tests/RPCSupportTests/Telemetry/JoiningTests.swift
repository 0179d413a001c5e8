import Foundation
import HedgerowAPI
import Messaging
import SwiftProtobuf
import TestSupport
import Testing

@testable import RPCSupport

@Suite("Publications that waited together") struct JoiningTests {
    private func plain(
        _ sequence: UInt64, _ values: [String: Double], topic: String = "t", seconds: Int64? = nil
    ) -> Publication {
        .with {
            $0.sequence = sequence
            $0.message.topic = topic
            $0.message.time.seconds = seconds ?? 1_000 + Int64(sequence)
            $0.message.reading.values = values.mapValues { value in .with { $0.doubleValue = value } }
            $0.message.reading.units = ["temperature": "°C"]
        }
    }

    private func items(_ publications: [Publication]) -> [IngestItem] {
        publications.map { .messages(IncomingPublication($0, now: 0)) }
    }

    private func messages(_ items: [IngestItem]) throws -> [(UInt64, PlainMessage)] {
        try items.flatMap { item -> [(UInt64, PlainMessage)] in
            guard case .messages(let publication) = item else { return [] }
            let content = try publication.content.get()
            #expect(try Batch(serializedBytes: content.encoded) == content.batch)
            #expect(content.batch.count == publication.count)
            let first = content.batch.sampleSpan
            #expect(first?.first == content.span.lowerBound && first?.last == content.span.upperBound)
            return (0..<publication.count).map {
                ((publication.positions?.first ?? 0) + UInt64($0), content.batch.message(row: $0))
            }
        }
    }

    @Test("become one batch with the same messages at the same sequences") func becomeOne() throws {
        let publications = (1...200).map { plain(UInt64($0), ["temperature": Double($0), "humidity": 40]) }
        let joined = IngestItem.joining(items(publications))
        #expect(joined.count == 1)
        let found = try messages(joined)
        #expect(found.map(\.0) == Array(1...200))
        #expect(found.map(\.1) == publications.map(\.message))
    }

    @Test("stay apart where topic, shape, sequence, unit or type differ") func differencesSeparate() throws {
        var other = plain(7, ["temperature": 1])
        other.message.reading.units = ["temperature": "K"]
        var whole = plain(8, [:])
        whole.message.reading.values = ["temperature": .with { $0.integerValue = 1 }]
        let publications = [
            plain(1, ["temperature": 1]), plain(2, ["temperature": 2]),
            plain(3, ["temperature": 3], topic: "u"),
            plain(4, ["temperature": 3, "humidity": 1], topic: "u"),
            plain(6, ["temperature": 3, "humidity": 1], topic: "u"), other, whole,
        ]
        let joined = IngestItem.joining(items(publications))
        #expect(
            joined.map { $0.positions.map { $0.first...$0.last } } == [
                1...2, 3...3, 4...4, 6...6, 7...7, 8...8,
            ])
        #expect(try messages(joined).map(\.1) == publications.map(\.message))
    }

    @Test("keep traces at their messages") func tracesKeepTheirRows() throws {
        var publications = (1...5).map { plain(UInt64($0), ["temperature": 1]) }
        publications[3].message.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let joined = IngestItem.joining(items(publications))
        #expect(joined.count == 1)
        #expect(try messages(joined).map(\.1.traceparent) == publications.map(\.message.traceparent))
    }

    @Test("stay as they came where one is refused, lost, without sequence, another's, or an hour away")
    func othersStay() throws {
        var forwarded = plain(5, ["temperature": 1])
        forwarded.origin.thing = "other"
        var later = items([
            plain(1, ["temperature": 1]), plain(2, ["temperature": 2], topic: "#"),
            plain(0, ["temperature": 2]),
            plain(3, ["temperature": 1]), plain(4, ["temperature": 1], seconds: 1_003 + 3_601), forwarded,
        ])
        later.append(.lost(IncomingLoss(positions: SequenceRange(only: 6), reason: .expired, origins: [])))
        let joined = IngestItem.joining(later)
        #expect(joined.count == later.count)
        #expect(joined.map(\.positions) == later.map(\.positions))
    }

    @Test("fill batches up to the limit of messages") func limitsHold() throws {
        let publications = (1...2_500).map { plain(UInt64($0), ["temperature": Double($0)]) }
        let joined = IngestItem.joining(items(publications))
        #expect(joined.compactMap { $0.positions?.count } == [1_000, 1_000, 500])
        #expect(try messages(joined).map(\.1) == publications.map(\.message))
    }
}
