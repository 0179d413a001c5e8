import Components
import Foundation
import GRDB
import HedgerowAPI
import Identity
import Logging
import Messaging
import RPCSupport
import StreamStore
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import EdgeCore

@Suite struct TopicExportTests {
    private static let name = "topic:line"
    private let revision = Hedgerow_Type_V1_GroupRevision.exporting(
        ["topic:line"],
        subscriptions: [
            ("thing:*", "#", "stream:s", ""), ("stream:s", "line/t/#", "thing:b", ""),
            ("stream:s", "line/other", "thing:c", ""),
        ])

    private func queued(_ core: ExportFixture, _ thing: String) async throws -> [MessageRecord] {
        try await core.parts.pool.read { db in
            try SubscriberQueue.next(db, subscriber: thing, after: 0, limit: 2_000).map {
                try MessageRecord(serializedBytes: $0.payload)
            }
        }
    }

    @Test func eachMessageReachesTheThingsThatASubscriptionLeadsItTo() async throws {
        try await withTemporaryDirectory { directory in
            try await ExportFixture.process(in: directory, revision: revision, exporting: true) { core in
                let outlet = ThingOutlet(thing: "b", filters: [try TopicFilter("#")], isAtLeastOnce: false)
                #expect(core.parts.outlets.add(outlet))
                try await core.waitForExports([Self.name])
                try await core.publish(1, 3)
                try await eventually(
                    "taken", holds: { try await core.export(Self.name, of: "s").state.exported == 3 })
                let records = try await queued(core, "b")
                #expect(records.map(\.message.topic) == ["line/t/a", "line/t/a", "line/t/a"])
                #expect(records.map(\.origin.lastSequence) == [1, 2, 3])
                #expect(records.allSatisfy { $0.origin.thing == "a" && $0.core == "pi-1" })
                #expect(try await queued(core, "c").isEmpty)
                try await eventually("live", holds: { outlet.takeWaiting(limit: 10).deliveries.count == 3 })
                #expect(try await core.describe("s").bytes == 0)
            }
        }
    }

    /// The queue and the checkpoint change together: a restart neither repeats nor skips.
    @Test func aRestartNeitherRepeatsNorSkips() async throws {
        try await withTemporaryDirectory { directory in
            try await ExportFixture.process(in: directory, revision: revision) { core in
                try await core.declare("s")
                try await core.publish(1, 400)
                let export = TopicExport(name: Self.name, stream: "s", topic: "line", parts: core.parts)
                try await export.take(try await core.section(Self.name, of: "s"))
                #expect(try await queued(core, "b").count == TopicExport.maximumMessages)
            }
            try await ExportFixture.process(in: directory, exporting: true) { core in
                try await eventually(
                    "taken", holds: { try await core.export(Self.name, of: "s").behind == 0 })
                #expect(try await queued(core, "b").map(\.origin.lastSequence) == Array(1...400))
            }
        }
    }

    @Test func aConnectedThingThatIsSlowIsWaitedFor() async throws {
        try await withTemporaryDirectory { directory in
            try await ExportFixture.process(in: directory, revision: revision, exporting: true) { core in
                let outlet = ThingOutlet(thing: "b", filters: [try TopicFilter("#")], isAtLeastOnce: true)
                #expect(core.parts.outlets.add(outlet))
                for number in UInt64(0)..<15 { try await core.publish(number * 100 + 1, number * 100 + 100) }
                var taken: [UInt64] = []
                while taken.count < 1_500 {
                    let items = try await eventually(
                        "something",
                        { () -> [SubscriberQueue.Item]? in
                            let items = try await core.parts.pool.read {
                                try SubscriberQueue.next($0, subscriber: "b", after: 0, limit: 200)
                            }
                            return items.isEmpty ? nil : items
                        })
                    taken += try items.map {
                        try MessageRecord(serializedBytes: $0.payload).origin.lastSequence
                    }
                    let ids = items.map(\.id)
                    try await core.parts.committer.commit {
                        try SubscriberQueue.acknowledge($0, subscriber: "b", ids: ids)
                    }
                }
                // Nothing fell out of the queue, although it holds 1,000.
                #expect(taken == Array(1...1_500))
            }
        }
    }

    @Test func aTopicThatBecomesTooDeepIsCountedAndStallsNothing() async throws {
        try await withTemporaryDirectory { directory in
            try await ExportFixture.process(in: directory, revision: revision, exporting: true) { core in
                try await core.publish(1, 2, topic: "t/2/3/4/5/6/7/8")
                try await core.publish(3, 4)
                try await eventually(
                    "taken", holds: { try await core.export(Self.name, of: "s").behind == 0 })
                let state = try await core.export(Self.name, of: "s").state
                #expect(state.exported == 2 && state.lost == 2)
                #expect(try await queued(core, "b").map(\.origin.lastSequence) == [3, 4])
            }
        }
    }
}
