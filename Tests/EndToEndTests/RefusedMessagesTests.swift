import Foundation
import GRPCCore
import HedgerowAPI
import Identity
import Messaging
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing
import ThingClient

@Suite("What breaks a rule of publishing", .timeLimit(.minutes(3)))
struct RefusedMessagesTests {
    /// Runs a test against the core and against the cloud itself: same service, same rules.
    private static func onBoth(
        groups: [String] = [Fleet.simpleGroup], _ body: (Fleet, Fleet.Client, String) async throws -> Void
    ) async throws {
        try await withFleet(groups: groups) { fleet in
            let identity = try await fleet.identity(.thing, "thing-1")
            for (server, name) in [(Fleet.Server.core("core-1"), "core"), (.cloud, "cloud")] {
                try await fleet.connect(to: server, as: identity) { client in
                    try await body(fleet, client, name)
                }
            }
        }
    }

    @Test("is rejected message by message, and those behind it go on")
    func rejected() async throws {
        try await Self.onBoth { fleet, client, name in
            try await withPublisher(client) { publisher in
                var unequal = Publication.packed(4, "hall/a", [1])
                unequal.batch.readings.columns[0].doubleValues = [1, 2]
                var neither = Publication()
                neither.sequence = 5
                neither.batch.topic = "hall/a"
                neither.batch.timeOffsetsUs = [0]
                try await publisher.open()
                publisher.publish(.plain(1, "hall/\(name)", ["value": 1]))
                publisher.publish(.payload(2, "hall/a", bytes: 2 << 20))
                publisher.publish(
                    .plain(3, "hall/a", Dictionary(uniqueKeysWithValues: (0..<300).map { ("f\($0)", 1) })))
                publisher.publish(unequal, neither)
                publisher.publish(.plain(6, "$SYS/hall", ["value": 1]), .plain(7, "hall/+", ["value": 1]))
                publisher.publish(.plain(8, "", ["value": 1]), .plain(9, "hall/a", [:]))
                publisher.publish(.plain(10, "hall/\(name)", ["value": 2]))
                try await publisher.acknowledged(through: 10)
                let reasons = Dictionary(
                    publisher.rejected.map { ($0.firstSequence, $0.reason) },
                    uniquingKeysWith: { first, _ in first })
                #expect(
                    reasons == [
                        2: .messageTooLarge, 3: .malformedMessage, 4: .malformedMessage, 5: .malformedMessage,
                        6: .topicNotAllowed, 7: .topicNotAllowed, 8: .topicNotAllowed, 9: .malformedMessage,
                    ], "\(name)")
                #expect(
                    publisher.rejected.allSatisfy {
                        !$0.detail.isEmpty && $0.firstSequence == $0.lastSequence
                    })
            }
            let kept = try await fleet.history(filter: "hall/\(name)", count: 2)
            #expect(kept.map { $0.number() } == [2, 1])
            #expect(try await fleet.history(filter: "hall/a").isEmpty)
            // Refused is not lost: it was answered.
            try await eventually("the ledger knows of the refusals") {
                let ledger = try await fleet.ledger("thing-1")
                return ledger.lost == 0 && ledger.missing == 0 && ledger.ranges.isEmpty
            }
        }
    }

    @Test("ends the stream where the stream itself is wrong")
    func endsStream() async throws {
        typealias Case = (name: String, code: RPCError.Code, reason: ErrorReason, requests: [PublishRequest])
        try await Self.onBoth { _, client, name in
            let epoch = Epoch.random()
            let opening = PublishRequest.opening(stream: "wrong", epoch: epoch)
            func publishing(_ publications: Publication...) -> PublishRequest {
                .with { $0.publications = publications }
            }
            var short = opening
            short.session.epoch = Data([1, 2, 3])
            var zero = opening
            zero.session.oldestSequence = 0
            var badName = opening
            badName.session.stream = "not a name"
            var far = opening
            far.session.oldestSequence = .max
            var backwards = PublishRequest()
            backwards.lost = [
                .with {
                    $0.firstSequence = 9
                    $0.lastSequence = 3
                }
            ]
            let cases: [Case] = [
                (
                    "no session first", .invalidArgument, .invalidField,
                    [publishing(.plain(1, "hall/a", ["v": 1]))]
                ),
                ("an epoch of 3 bytes", .invalidArgument, .invalidField, [short]),
                ("a stream's name with blanks", .invalidArgument, .invalidField, [badName]),
                ("sequences from 0", .invalidArgument, .invalidField, [zero]),
                ("an oldest sequence at the end of 64 bits", .invalidArgument, .invalidField, [far]),
                ("a second session", .invalidArgument, .invalidField, [opening, opening]),
                (
                    "a sequence at the end of 64 bits", .invalidArgument, .invalidField,
                    [opening, publishing(.plain(.max, "hall/a", ["v": 1]))]
                ),
                (
                    "a batch that runs over the end", .invalidArgument, .invalidField,
                    [opening, publishing(.packed(.max - 1, "hall/a", [1, 2, 3, 4]))]
                ),
                ("a lost range backwards", .invalidArgument, .invalidField, [opening, backwards]),
                (
                    "a gap", .failedPrecondition, .sequenceGap,
                    [opening, publishing(.plain(1, "hall/a", ["v": 1]), .plain(5, "hall/a", ["v": 1]))]
                ),
            ]
            for test in cases {
                try await withPublisher(client, epoch: epoch) { publisher in
                    for request in test.requests { publisher.send(request) }
                    let error = try await publisher.refusal()
                    #expect(error.reason == test.reason, "\(name): \(test.name)")
                    #expect(error.code == test.code, "\(name): \(test.name)")
                    if test.reason == .sequenceGap { #expect(error.details["expected"] == "2", "\(name)") }
                }
            }
            // Over gRPC's own limit nothing of ours sees the message; the stream ends, the server does not.
            try await withPublisher(client) { publisher in
                try await publisher.open(stream: "huge")
                publisher.publish(.payload(1, "hall/a", bytes: 5 << 20))
                let end: Result<Void, any Error> = try await eventually("the stream ends") { publisher.end }
                #expect(throws: RPCError.self) { try end.get() }
            }
            try await withPublisher(client) { publisher in
                try await publisher.open(stream: "after")
                publisher.publish(.plain(1, "hall/a", ["v": 1]))
                try await publisher.acknowledged(through: 1)
            }
        }
    }

    @Test("has no route: it is answered with NO_ROUTE, and those behind it go on")
    func noRoute() async throws {
        let group = """
            kind: Group
            name: hall
            cores: [core-1]
            things: [thing-1]
            subscriptions:
              - {from: thing:thing-1, topic: hall/#, to: cloud}
            """
        try await withFleet(groups: [group]) { fleet in
            try await fleet.withThing("thing-1") { thing in
                try await thing.publish("hall/a", ["value": 1])
                let error = await #expect(throws: ThingError.self) {
                    try await thing.publishAndWait("elsewhere", ["value": 2])
                }
                guard case .rejected(.noRoute, let detail, 1) = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(detail.contains("elsewhere"))
                try await thing.publishAndWait("hall/a", ["value": 3])
                #expect(thing.statistics.rejected == 1)
                #expect(thing.statistics.reconnects == 0)
            }
            #expect(try await fleet.history(count: 2).map { $0.number() } == [3, 1])
            let ledger = try await fleet.ledger("thing-1")
            #expect(ledger.received == 2)
            #expect(ledger.missing == 0 && ledger.lost == 0)
        }
    }
}
