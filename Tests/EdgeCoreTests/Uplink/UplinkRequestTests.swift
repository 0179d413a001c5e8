import Foundation
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import Testing

@testable import EdgeCore

@Suite("A request of the uplink") struct UplinkRequestTests {
    @Test(
        "holds what the encoder would make of the same",
        arguments: [0, 1, 100, 127, 128, 300, 20_000, 3_000_000])
    func decodesToTheSame(bytes: Int) throws {
        var batch = Batch()
        batch.topic = "press/readings"
        batch.timeOffsetsUs = [0]
        batch.payloads.data = [Data(repeating: 7, count: bytes)]
        var publication = Publication()
        publication.sequence = 4_711
        publication.origin.thing = "press-1"
        publication.origin.lastSequence = 9
        publication.receiveTime.seconds = 1_700_000_000
        let lost = WireLostRange.with {
            $0.firstSequence = 4_712
            $0.lastSequence = 4_800
            $0.reason = .overwritten
            $0.origins = [.with { $0.thing = "press-2" }]
        }
        let transient = Publication.with { $0.message.topic = "t" }

        var request = UplinkRequest()
        #expect(request.isEmpty)
        try request.append(batch: batch.serializedBytes(), in: publication)
        try request.append(lost)
        try request.append(transient)

        var expected = PublishRequest()
        publication.batch = batch
        expected.publications = [publication, transient]
        expected.lost = [lost]
        #expect(try PublishRequest(serializedBytes: request.bytes) == expected)
        let encoded: [UInt8] = try expected.serializedBytes()
        #expect(request.bytes.count == encoded.count)
    }
}
