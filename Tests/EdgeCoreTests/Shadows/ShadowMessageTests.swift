import Components
import Foundation
import HedgerowAPI
import Messaging
import RPCSupport
import ShadowStore
import Shadows
import StreamStore
import SwiftProtobuf
import TestSupport
import Testing
import Transforms

@testable import EdgeCore

/// Messages that subscriptions lead to the shadows, and what shadows answer (semantics, section 4).
@Suite("Messages reach the shadows of their thing", .timeLimit(.minutes(5))) struct ShadowMessageTests {
    private static let reserved = "$aws/things/a/shadow"

    private static func request(_ document: String, _ operation: String = "update", sequence: UInt64 = 1)
        -> IngestItem
    {
        var publication = Publication()
        publication.sequence = sequence
        publication.message.topic = "\(reserved)/\(operation)"
        publication.message.payload.data = Data(document.utf8)
        return .messages(IncomingPublication(publication, now: 0))
    }

    private static func document(_ core: TelemetryFixture, _ name: String = "") async throws
        -> ShadowDocument?
    {
        try await core.parts.readShadows { shadows in
            try shadows.record(ShadowKey(thing: "a", name: name))?.shadow.document
        }
    }

    /// Topics and documents of what a thing was sent.
    private static func live(_ result: CoreIngestTransaction.Result, _ thing: String) -> [String: String] {
        var found: [String: String] = [:]
        for (name, records) in result.live where name == thing {
            for record in records {
                found[record.message.topic] = String(decoding: record.message.payload.data, as: UTF8.self)
            }
        }
        return found
    }

    @Test("a reading is reported once, with the newest value of each field") func reported() async throws {
        try await TelemetryFixture.with { core in
            let running = RunningRevision(revision([("thing:a", "t/#", "shadow", "")]))
            let item = readings(1, 3) { ["n": Int64($0), "only\($0)": 1] }
            for _ in 0..<2 {
                let outcome = try await core.transaction(core.session(), running) { transaction in
                    _ = try transaction.open()
                    return try transaction.ingest([item]).outcome
                }
                #expect(outcome.acknowledged == 3 && outcome.rejected.isEmpty)
            }
            let document = try #require(try await Self.document(core))
            #expect(document.version == 1)
            #expect(
                document.reported == [
                    "n": .integer(3), "only1": .integer(1), "only2": .integer(1), "only3": .integer(1),
                ])
        }
    }

    @Test("a request on a reserved topic is done, and answered to whoever a subscription leads to")
    func requests() async throws {
        try await TelemetryFixture.with { core in
            let running = RunningRevision(
                revision([
                    ("thing:a", "\(Self.reserved)/#", "shadow", ""),
                    ("shadow", "\(Self.reserved)/#", "thing:a", ""),
                    ("shadow", "\(Self.reserved)/update/delta", "component:p", ""),
                ]), components: [try program("p")])
            let result = try await core.transaction(core.session(), running) { transaction in
                _ = try transaction.open()
                return try transaction.ingest([
                    Self.request(
                        #"{"state": {"desired": {"fan": true}, "reported": {"fan": false}}, "clientToken": "t1"}"#
                    )
                ])
            }
            #expect(result.outcome.acknowledged == 1)
            let live = Self.live(result, "a")
            #expect(
                Set(live.keys)
                    == Set(["accepted", "documents", "delta"].map { "\(Self.reserved)/update/\($0)" }))
            #expect(live["\(Self.reserved)/update/accepted"]?.contains(#""clientToken":"t1""#) == true)
            #expect(live["\(Self.reserved)/update/delta"]?.contains(#""state":{"fan":true}"#) == true)
            let event = try #require(result.transientEvents.first)
            #expect(
                result.transientEvents.count == 1 && event.instance == "p" && event.source.thing == "pi-1")

            let read = try await core.transaction(core.session(), running) { transaction in
                try transaction.ingest([Self.request("", "get", sequence: 2)])
            }
            #expect(Self.live(read, "a")["\(Self.reserved)/get/accepted"]?.contains(#""version":1"#) == true)
            let deleted = try await core.transaction(core.session(), running) { transaction in
                try transaction.ingest([Self.request("", "delete", sequence: 3)])
            }
            #expect(Self.live(deleted, "a").keys.sorted() == ["\(Self.reserved)/delete/accepted"])
            #expect(try await Self.document(core) == nil)
        }
    }

    @Test("one that cannot be done is answered with why, and those after it are done") func rejected()
        async throws
    {
        try await TelemetryFixture.with { core in
            let running = RunningRevision(
                revision([
                    ("thing:a", "\(Self.reserved)/#", "shadow", ""),
                    ("shadow", "\(Self.reserved)/#", "thing:a", ""),
                ]))
            let result = try await core.transaction(core.session(), running) { transaction in
                _ = try transaction.open()
                return try transaction.ingest([
                    Self.request(#"{"state": {"reported": {"n": 1}}}"#),
                    Self.request(
                        #"{"state": {"reported": {"n": 2}}, "version": 7, "clientToken": "late"}"#,
                        sequence: 2),
                    Self.request("{", sequence: 3),
                    Self.request(#"{"state": {"reported": {"m": 3}}}"#, sequence: 4),
                ])
            }
            #expect(result.outcome.acknowledged == 4 && result.shadowFailures == 2)
            let refusals = result.rejectedShadows.map(\.text)
            #expect(refusals.first?.contains(#""code":409"#) == true)
            #expect(refusals.first?.contains(#""clientToken":"late""#) == true)
            #expect(refusals.last?.contains(#""code":400"#) == true)
            #expect(try await Self.document(core)?.reported == ["n": .integer(1), "m": .integer(3)])
        }
    }

    @Test("a thing reaches only its own, and nothing without a subscription") func onlyItsOwn() async throws {
        try await TelemetryFixture.with { core in
            let routed = RunningRevision(
                revision([
                    ("thing:*", "$aws/things/+/shadow/#", "shadow", ""),
                    ("shadow", "$aws/things/+/shadow/#", "thing:b", ""),
                ]))
            let result = try await core.transaction(core.session("b"), routed) { transaction in
                _ = try transaction.open()
                return try transaction.ingest([Self.request(#"{"state": {"reported": {"n": 1}}}"#)])
            }
            #expect(result.shadowFailures == 1)
            // An answer would come on a topic of the other thing's, with the token of this one.
            #expect(Self.live(result, "b").isEmpty && result.rejectedShadows.isEmpty)
            #expect(result.shadowProblem?.contains("only its own shadows") == true)
            #expect(try await Self.document(core) == nil)

            let unrouted = RunningRevision(revision([("thing:a", "t/#", "cloud", "")], number: 2))
            let refused = try await core.transaction(core.session("a"), unrouted) { transaction in
                _ = try transaction.open()
                return try transaction.ingest([Self.request(#"{"state": {"reported": {"n": 1}}}"#)])
            }
            #expect(refused.outcome.rejected.map(\.reason) == [.noRoute])
        }
    }

    @Test("away from their home, requests are answered with its name, and reports are counted")
    func otherHome() async throws {
        try await TelemetryFixture.with { core in
            var group = revision([
                ("thing:a", "#", "shadow", ""), ("thing:a", "\(Self.reserved)/#", "shadow", ""),
            ])
            group.cores = ["pi-0", "pi-1"]
            group.shadows = .with {
                $0.sync = [.with { $0.things = "*" }]
                $0.home = "pi-0"
            }
            let running = RunningRevision(group)
            let result = try await core.transaction(core.session(), running) { transaction in
                _ = try transaction.open()
                return try transaction.ingest([
                    Self.request(#"{"state": {"reported": {"n": 1}}}"#), readings(2, 2) { ["n": Int64($0)] },
                ])
            }
            #expect(result.rejectedShadows.first?.text.contains("pi-0") == true)
            #expect(result.shadowFailures == 2 && result.outcome.acknowledged == 2)
            #expect(try await Self.document(core) == nil)
        }
    }

    @Test("a transform reports what it makes, and reads what is there") func transform() async throws {
        try await TelemetryFixture.with { core in
            let sum = ShadowAssignment(
                key: "sum",
                value: ExpressionText("reading.n + (has(shadow().reported) ? shadow().reported.sum : 0)"))
            let steps: [TransformStep] = [.shadow(ShadowStep(report: .values([sum])))]
            let transform = try Transform(TransformDefinition(steps: steps), shadows: .write)
            let component = RunningComponent(
                LockedComponent(
                    instance: "s", component: "s", version: try SemanticVersion(parsing: "1.0.0"),
                    recipeDigest: []),
                state: .ready(transform))
            let running = RunningRevision(
                revision([("thing:a", "t/#", "component:s", "")]), components: [component])
            for sequence in 1...3 as ClosedRange<UInt64> {
                let result = try await core.transaction(core.session(), running) { transaction in
                    _ = try transaction.open()
                    return try transaction.ingest([readings(sequence, sequence) { ["n": Int64($0)] }])
                }
                #expect(result.tallies.flatMap(\.failures).isEmpty)
            }
            let document = try #require(try await Self.document(core))
            #expect(document.reported == ["sum": .integer(6)] && document.version == 3)
            let history = try await core.parts.readShadows {
                try $0.history(of: ShadowKey(thing: "a", name: ""), limit: 10).map(\.author)
            }
            #expect(history == ["component:s", "component:s", "component:s"])
        }
    }
}
