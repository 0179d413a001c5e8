import Foundation
import GRDB
import HedgerowAPI
import Messaging
import RPCSupport
import StreamStore
import TestSupport
import Testing

@testable import EdgeCore

@Suite(.timeLimit(.minutes(5))) struct CoreIngestTests {
    private let toCloud = revision([("thing:a", "t/#", "cloud", ""), ("thing:a", "local/#", "thing:b", "")])

    @Test func whatIsRoutedIsInTheStreamWhenItIsAcknowledged() async throws {
        try await TelemetryFixture.with { core in
            let session = try core.session()
            #expect(try await core.transaction(session, toCloud) { try $0.open().resumeAfter } == 0)
            let result = try await core.transaction(session, toCloud) {
                try $0.ingest([messages(1, 3), messages(4, 4), messages(2, 5)])
            }
            #expect(result.outcome.acknowledged == 5)
            #expect(result.wokenStreams == ["default"])
            #expect(try await core.contents() == ["1-3 batch a 1-3", "4-4 batch a 4-4", "5-5 batch a 5-5"])
            #expect(try await core.transaction(session, toCloud) { try $0.open().resumeAfter } == 5)
            let again = try await core.transaction(session, toCloud) { try $0.ingest([messages(1, 5)]) }
            #expect(again.outcome.acknowledged == 5)
            #expect(again.wokenStreams.isEmpty)
        }
    }

    @Test func everySequenceIsToldToTheCloudUnroutedRefusedAndLostOnesToo() async throws {
        try await TelemetryFixture.with { core in
            let session = try core.session()
            _ = try await core.transaction(session, toCloud) { try $0.open() }
            let result = try await core.transaction(session, toCloud) {
                try $0.ingest([
                    messages(1, 2, topic: "local/x"), messages(3, 3), messages(4, 4, topic: "nowhere"),
                    loss(5, 9, .expired), messages(10, 12, topic: "local/x"), messages(13, 13, topic: "a/+"),
                    messages(14, 14, topic: "local/x"),
                ])
            }
            #expect(result.outcome.acknowledged == 14)
            #expect(result.outcome.rejected.map(\.reason) == [.noRoute, .topicNotAllowed])
            #expect(result.outcome.rejected.map(\.firstSequence) == [4, 13])
            #expect(
                try await core.contents() == [
                    "1-1 batch a 1-3", "2-2 rejected a 4-4", "3-3 expired a 5-9",
                    "4-4 notRoutedToCloud a 10-12",
                    "5-5 rejected a 13-13",
                ])
            // What is open is told when the thing has gone.
            #expect(try await core.transaction(session, toCloud) { try $0.close() } == ["default"])
            #expect(try await core.transaction(session, toCloud) { try $0.close() }.isEmpty)
            #expect(try await core.contents().last == "6-6 notRoutedToCloud a 14-14")
            let queued = try await core.pool.read { try SubscriberQueue.depth($0, subscriber: "b") }
            #expect(queued == 6)
        }
    }

    @Test func manyUnroutedMessagesAreToldWithoutWaiting() async throws {
        try await TelemetryFixture.with { core in
            let session = try core.session()
            let local = revision([("thing:a", "t", "thing:b", "")])
            _ = try await core.transaction(session, local) { try $0.open() }
            for number in UInt64(0)..<3 {
                _ = try await core.transaction(session, local) {
                    try $0.ingest([messages(number * 1_000 + 1, number * 1_000 + 1_000, topic: "t")])
                }
            }
            #expect(try await core.contents() == ["1-3 notRoutedToCloud a 1-3000"])
        }
    }

    @Test func aSessionTellsWhatItsPublisherNoLongerHas() async throws {
        try await TelemetryFixture.with { core in
            #expect(
                try await core.transaction(core.session(oldest: 50), toCloud) { try $0.open().resumeAfter }
                    == 49)
            #expect(try await core.contents().isEmpty)
            _ = try await core.transaction(core.session(oldest: 50), toCloud) {
                try $0.ingest([messages(50, 50, topic: "local/x")])
            }
            #expect(
                try await core.transaction(core.session(oldest: 60), toCloud) { try $0.open().resumeAfter }
                    == 59)
            #expect(
                try await core.contents() == ["1-1 notRoutedToCloud a 50-50", "2-2 notResent a 51-59"])
        }
    }

    @Test func aFullTargetPausesAndLeavesNothingHalfDone() async throws {
        try await TelemetryFixture.with { core in
            let two = revision(
                [
                    ("thing:a", "t", "cloud", ""), ("thing:a", "t", "cloud", "small"),
                    ("thing:a", "t", "thing:b", ""),
                ],
                streams: [("small", 65_536, false)])
            let session = try core.session()
            _ = try await core.transaction(session, two) { try $0.open() }
            let result = try await core.transaction(session, two) {
                try $0.ingest([
                    messages(1, 1, topic: "t", bytes: 60_000), messages(2, 2, topic: "t", bytes: 60_000),
                    messages(3, 3, topic: "t"),
                ])
            }
            #expect(result.outcome.acknowledged == 1)
            #expect(result.outcome.pause?.reason == .queueFull)
            #expect(result.outcome.remainder.compactMap { $0.positions?.first } == [2, 3])
            #expect(try await core.contents("small") == ["1-1 batch a 1-1"])
            #expect(try await core.contents("default") == ["1-1 batch a 1-1"])
            #expect(try await core.pool.read { try SubscriberQueue.depth($0, subscriber: "b") } == 1)
            // As soon as there is room it goes on where it was.
            let current = core.parts.epoch
            try await core.pool.write { db in
                let streams = DurableStreams(db)
                for epoch in try streams.epochs(of: "small", current: current) {
                    try streams.acknowledge(epoch, through: 1)
                }
            }
            let rest = try await core.transaction(session, two) { try $0.ingest(result.outcome.remainder) }
            #expect(rest.outcome.acknowledged == 3)
            #expect(rest.outcome.pause == nil)
            #expect(try await core.contents("small") == ["2-2 batch a 2-2", "3-3 batch a 3-3"])
            #expect(try await core.contents("default").count == 3)
        }
    }

    @Test func whatCanNeverFitIsRefused() async throws {
        try await TelemetryFixture.with { core in
            let small = revision([("thing:a", "t", "cloud", "small")], streams: [("small", 65_536, false)])
            let session = try core.session()
            _ = try await core.transaction(session, small) { try $0.open() }
            let result = try await core.transaction(session, small) {
                try $0.ingest([messages(1, 1, topic: "t", bytes: 70_000), messages(2, 2, topic: "t")])
            }
            #expect(result.outcome.rejected.map(\.reason) == [.messageTooLarge])
            #expect(result.outcome.acknowledged == 2)
            #expect(try await core.contents("small") == ["1-1 batch a 2-2"])
            #expect(try await core.contents() == ["1-1 rejected a 1-1"])
        }
    }

    @Test func aBatchLargerThanItsStreamIsTakenInParts() async throws {
        try await TelemetryFixture.with { core in
            let small = revision(
                [("thing:a", "t", "cloud", "small"), ("thing:a", "t", "thing:b", "")],
                streams: [("small", 65_536, false)])
            let session = try core.session()
            _ = try await core.transaction(session, small) { try $0.open() }
            let result = try await core.transaction(session, small) {
                try $0.ingest([messages(1, 4, topic: "t", bytes: 30_000), messages(5, 5, topic: "t")])
            }
            // Half of it fits; the rest waits for room, and is not taken twice.
            #expect(result.outcome.rejected.isEmpty)
            #expect(result.outcome.acknowledged == 2)
            #expect(result.outcome.pause?.reason == .queueFull)
            #expect(try await core.contents("small") == ["1-2 batch a 1-2"])
            let current = core.parts.epoch
            try await core.pool.write { db in
                let streams = DurableStreams(db)
                for epoch in try streams.epochs(of: "small", current: current) {
                    try streams.acknowledge(epoch, through: 2)
                }
            }
            let rest = try await core.transaction(session, small) { try $0.ingest(result.outcome.remainder) }
            #expect(rest.outcome.acknowledged == 5)
            #expect(try await core.contents("small") == ["3-4 batch a 3-4", "5-5 batch a 5-5"])
            #expect(try await core.pool.read { try SubscriberQueue.depth($0, subscriber: "b") } == 5)
        }
    }

    @Test func ofABatchLargerThanItsStreamOnlyWhatCanNeverFitIsRefused() async throws {
        try await TelemetryFixture.with { core in
            let small = revision([("thing:a", "t", "cloud", "small")], streams: [("small", 65_536, true)])
            let session = try core.session()
            _ = try await core.transaction(session, small) { try $0.open() }
            let result = try await core.transaction(session, small) {
                try $0.ingest([
                    messages(1, 2, topic: "t", bytes: 70_000), messages(3, 5, topic: "t", bytes: 25_000),
                ])
            }
            #expect(result.outcome.rejected.map(\.firstSequence) == [1, 2])
            #expect(result.outcome.rejected.allSatisfy { $0.reason == .messageTooLarge })
            #expect(result.outcome.acknowledged == 5)
            #expect(try await core.contents("small") == ["1-2 overwritten a 3-4", "3-3 batch a 5-5"])
        }
    }

    @Test func messagesAtQoS0TouchNoDisk() async throws {
        try await TelemetryFixture.with { core in
            let session = try core.session()
            let both = revision([("thing:a", "t", "cloud", ""), ("thing:a", "t", "thing:b", "")])
            _ = try await core.transaction(session, both) { try $0.open() }
            let result = try await core.transaction(session, both) {
                try $0.ingest([unsequenced(topic: "t"), unsequenced(topic: "nowhere")])
            }
            #expect(result.outcome.acknowledged == 0)
            #expect(result.outcome.rejected.map(\.firstSequence) == [0])
            #expect(result.transient.map(\.stream) == ["default"])
            #expect(result.live.map(\.thing) == ["b"])
            #expect(try await core.contents().isEmpty)
            #expect(try await core.pool.read { try SubscriberQueue.depth($0, subscriber: "b") } == 0)
        }
    }

    @Test func aThingPublishesOnlyInItsOwnName() async throws {
        try await TelemetryFixture.with { core in
            let session = try core.session()
            _ = try await core.transaction(session, toCloud) { try $0.open() }
            var publication = Publication()
            publication.sequence = 1
            publication.message.topic = "t/a"
            publication.message.payload.data = Data([1])
            publication.origin.thing = "b"
            publication.origin.epoch = Data(session.epoch.bytes)
            let item = IngestItem.messages(IncomingPublication(publication, now: 0))
            let result = try await core.transaction(session, toCloud) { try $0.ingest([item]) }
            #expect(result.outcome.rejected.map(\.reason) == [.originNotAllowed])
            #expect(result.outcome.acknowledged == 1)
        }
    }

    /// While the cloud is away for long, refusals do not fill the disk; the next batch covers them.
    @Test func refusalsBeyondTheBoundAreCoveredByWhatComesNext() async throws {
        try await TelemetryFixture.with { core in
            let session = try core.session()
            _ = try await core.transaction(session, toCloud) { try $0.open() }
            try await core.pool.write { db in
                try db.execute(
                    sql: "INSERT INTO stream_usage VALUES ('default', 0, ?)",
                    arguments: [DurableStreams.maximumAccounts])
            }
            let result = try await core.transaction(session, toCloud) {
                try $0.ingest([messages(1, 1, topic: "nowhere"), messages(2, 2)])
            }
            #expect(result.outcome.rejected.map(\.firstSequence) == [1])
            #expect(result.outcome.acknowledged == 2)
            #expect(try await core.contents() == ["1-1 batch a 1-2"])
        }
    }
}
