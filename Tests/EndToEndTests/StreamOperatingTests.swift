import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing
import ThingClient

@Suite("Operating streams", .timeLimit(.minutes(3)))
struct StreamOperatingTests {
    typealias Streams = Hedgerow_Stream_V1_StreamService.Client<HTTP2ClientTransport.Posix>

    static let group = """
        kind: Group
        name: hall
        cores: [core-1]
        things: [thing-1]
        subscriptions:
          - {from: "thing:*", topic: "#", to: cloud, via: bulk}
        streams:
          bulk: {priority: 9, maxSize: 1MiB}
        """

    private func pause(_ fleet: Fleet) async throws {
        try await fleet.operate { client in
            _ = try await Streams(wrapping: client).pauseExport(
                .with {
                    $0.core = "core-1"
                    $0.stream = "bulk"
                    $0.export = "cloud"
                })
        }
    }

    private func resume(_ fleet: Fleet) async throws {
        try await fleet.operate { client in
            _ = try await Streams(wrapping: client).resumeExport(
                .with {
                    $0.core = "core-1"
                    $0.stream = "bulk"
                    $0.export = "cloud"
                })
        }
    }

    private func read(_ fleet: Fleet) async throws -> [Double] {
        try await fleet.operate { client in
            try await Streams(wrapping: client).readStream(
                .with {
                    $0.core = "core-1"
                    $0.stream = "bulk"
                })
        }.messages.compactMap { $0.record.number() }
    }

    private func status(_ fleet: Fleet) async throws -> Hedgerow_Stream_V1_StreamStatus? {
        try await fleet.operate { client in
            try await Streams(wrapping: client).listStreams(.with { $0.core = "core-1" })
        }.streams.first { $0.stream == "bulk" }
    }

    @Test(
        "a paused stream keeps what comes, shows it, and sends it when it is resumed, also after a restart of its core"
    )
    func pausing() async throws {
        try await withFleet(groups: [Self.group]) { fleet in
            try await pause(fleet)
            try await fleet.withThing("thing-1") { thing in
                for number in 1...5 {
                    try await thing.publishAndWait("hall/a", ["value": .double(Double(number))])
                }
            }
            #expect(try await read(fleet) == [1, 2, 3, 4, 5])
            #expect(try await fleet.ledger("thing-1").received == 0)
            try await fleet.stopCore("core-1")
            try await fleet.startCore("core-1")
            try await eventually("the core says how the stream stands") {
                let status = try await status(fleet)
                return status?.messages == 5 && status?.exports.first?.paused == true
                    && status?.connected == true
            }
            let known = try #require(try await status(fleet))
            #expect(known.priority == 9)
            #expect(known.maxBytes == 1 << 20)
            #expect(known.exports.map(\.messages) == [5])
            #expect(try await fleet.ledger("thing-1").received == 0)
            try await resume(fleet)
            let records = try await fleet.history(thing: "thing-1", count: 5)
            #expect(records.compactMap { $0.number() }.sorted() == [1, 2, 3, 4, 5])
        }
    }

    @Test("what is deleted from a stream is in the ledger as deleted, and nothing else is lost")
    func deleting() async throws {
        try await withFleet(groups: [Self.group]) { fleet in
            try await fleet.withThing("thing-1") { thing in
                try await thing.publishAndWait("hall/a", ["value": 1])
                _ = try await fleet.history(thing: "thing-1", count: 1)
                try await pause(fleet)
                for number in 2...4 {
                    try await thing.publishAndWait("hall/a", ["value": .double(Double(number))])
                }
                let deleted = try await fleet.operate { client in
                    try await Streams(wrapping: client).deleteStreamMessages(
                        .with {
                            $0.core = "core-1"
                            $0.stream = "bulk"
                        })
                }
                #expect(deleted.messages == 3)
                #expect(try await read(fleet).isEmpty)
                try await resume(fleet)
                try await thing.publishAndWait("hall/a", ["value": 5])
            }
            _ = try await fleet.history(thing: "thing-1", count: 2)
            try await eventually("the ledger names them") {
                let ledger = try await fleet.ledger("thing-1")
                return ledger.received == 2 && ledger.lost == 3 && ledger.missing == 0
            }
            let ledger = try await fleet.ledger("thing-1")
            #expect(ledger.ranges.allSatisfy { $0.reason == .deleted && !$0.missing })
            #expect(ledger.days.flatMap(\.lost).map(\.reason) == [.deleted])
        }
    }

    @Test("a core that is away is said to be so, and its streams are still known")
    func away() async throws {
        try await withFleet(groups: [Self.group]) { fleet in
            try await eventually("the core says how its streams stand") { try await status(fleet) != nil }
            try await fleet.stopCore("core-1")
            let error = try await expectRefusal { try await pause(fleet) }
            #expect(error.code == .unavailable)
            #expect(error.reason == .coreAway)
            #expect(error.message.contains("has been away since"))
            #expect(try await status(fleet)?.connected == false)
        }
    }
}
