import Foundation
import GRPCCore
import HedgerowAPI
import SwiftProtobuf
import TestSupport
import Testing

@testable import RPCSupport

/// Bytes as a transport hands them over.
private struct Bytes: GRPCContiguousBytes {
    private var bytes: [UInt8]
    init(repeating byte: UInt8, count: Int) { bytes = Array(repeating: byte, count: count) }
    init(_ sequence: some Sequence<UInt8>) { bytes = Array(sequence) }
    var count: Int { bytes.count }
    func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try bytes.withUnsafeBytes(body)
    }
    mutating func withUnsafeMutableBytes<R>(_ body: (UnsafeMutableRawBufferPointer) throws -> R) rethrows -> R
    {
        try bytes.withUnsafeMutableBytes(body)
    }
}

@Suite("A request of Publish with its bytes") struct ArrivedPublishRequestTests {
    private func decode(_ bytes: [UInt8]) throws -> ArrivedPublishRequest {
        try ArrivedPublishRequestDeserializer().deserialize(Bytes(bytes))
    }

    private func publication(_ sequence: UInt64, payload: Int) -> Publication {
        .with {
            $0.sequence = sequence
            $0.batch.topic = "t"
            $0.batch.timeOffsetsUs = [0]
            $0.batch.payloads.data = [Data(repeating: 1, count: payload)]
            $0.origin.thing = "a"
        }
    }

    @Test("has the bytes of each batch, and none of a plain message") func keepsTheBytes() throws {
        var request = PublishRequest()
        request.session.stream = "s"
        request.publications = [
            publication(1, payload: 3), .with { $0.message.topic = "u" }, publication(2, payload: 70_000),
        ]
        request.lost = [.with { $0.firstSequence = 3 }]
        let arrived = try decode(request.serializedBytes())
        #expect(arrived.request == request)
        for index in [0, 2] {
            #expect(try arrived.batch(at: index) == request.publications[index].batch.serializedBytes())
        }
        #expect(arrived.batch(at: 1) == nil)
    }

    @Test("keeps bytes that our encoder would not make") func keepsForeignBytes() throws {
        // A batch with its offsets one by one, not packed, and a field that nobody knows.
        let batch: [UInt8] = [0x0A, 1, 0x74, 0x18, 0x02, 0x18, 0x04, 0xF8, 0x3F, 0x07]
        let publication = [0x12, UInt8(batch.count)] + batch
        let arrived = try decode([0x12, UInt8(publication.count)] + publication)
        #expect(arrived.request.publications.first?.batch.timeOffsetsUs == [1, 2])
        #expect(arrived.batch(at: 0) == batch)
    }

    @Test("does not take one part for a batch that came in several") func refusesParts() throws {
        let topic: [UInt8] = [0x12, 3, 0x0A, 1, 0x74]
        let times: [UInt8] = [0x12, 3, 0x1A, 1, 0x02]
        let publication = topic + times
        let arrived = try decode([0x12, UInt8(publication.count)] + publication)
        #expect(arrived.request.publications.first?.batch.topic == "t")
        #expect(arrived.request.publications.first?.batch.timeOffsetsUs == [1])
        #expect(arrived.batch(at: 0) == nil)

        // A plain message and a batch: the last one counts.
        let both = topic + [0x1A, 3, 0x0A, 1, 0x75]
        #expect(try decode([0x12, UInt8(both.count)] + both).batch(at: 0) == nil)
    }

    @Test("is refused where it is damaged, and never read beyond its end") func survivesDamage() throws {
        var request = PublishRequest()
        request.publications = [publication(1, payload: 30), publication(2, payload: 300)]
        let bytes: [UInt8] = try request.serializedBytes()
        var generator = SeededGenerator(seed: 11)
        for length in 0..<bytes.count { _ = try? decode(Array(bytes.prefix(length))) }
        for _ in 0..<2_000 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                damaged[Int.random(in: 0..<bytes.count, using: &generator)] ^= UInt8.random(
                    in: 1...255, using: &generator)
            }
            guard let arrived = try? decode(damaged) else { continue }
            for (index, publication) in arrived.request.publications.enumerated() {
                guard let batch = arrived.batch(at: index) else { continue }
                #expect(try Batch(serializedBytes: batch) == publication.batch)
            }
        }
    }
}
