import Foundation
import HedgerowAPI
import Identity
import Messaging
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing
import ThingClient

@Suite("Readings on their way from a thing to the cloud", .timeLimit(.minutes(3)))
struct HappyPathTests {
    @Test("are in the history once, newest first, page by page, by topic and by time")
    func history() async throws {
        try await withFleet { fleet in
            // Times of whole milliseconds, so that a boundary is exact.
            let base = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded() - 3_600)
            try await fleet.withThing("thing-1") { thing in
                for number in 0..<250 {
                    try await thing.publish(
                        number.isMultiple(of: 2) ? "hall/a" : "hall/b/deep",
                        ["value": .double(Double(number))],
                        units: ["value": "Cel"], time: base.addingTimeInterval(Double(number) / 1_000))
                }
            }
            let all = try await fleet.history(thing: "thing-1", count: 250)
            let expected = (0..<250).reversed().map(Double.init)
            #expect(all.map { $0.number() } == expected)
            #expect(Set(all.map(\.origin.firstSequence)) == Set(1...250))
            #expect(all.allSatisfy { $0.core == "core-1" && $0.message.reading.units == ["value": "Cel"] })
            #expect(all.allSatisfy { $0.hasReceiveTime && $0.hasStoreTime })

            #expect(try await fleet.history(thing: "thing-1", pageSize: 7).map { $0.number() } == expected)
            #expect(
                try await fleet.history(filter: "hall/+", pageSize: 11).map { $0.number() }
                    == expected.filter { $0.truncatingRemainder(dividingBy: 2) == 0 })
            #expect(try await fleet.history(filter: "hall/#").count == 250)
            #expect(try await fleet.history(filter: "other/#").isEmpty)
            let some = try await fleet.history(
                from: base.addingTimeInterval(0.05), until: base.addingTimeInterval(0.1), pageSize: 9)
            #expect(some.map { $0.number() } == (50..<100).reversed().map(Double.init))

            let refused = try await expectRefusal {
                try await fleet.operate { client in
                    try await TelemetryService.Client(wrapping: client).query(
                        .with { $0.pageToken = "bogus" })
                }
            }
            #expect(refused.reason == .badPageToken)
        }
    }

    @Test("are shown live, at QoS 0 too, and the history has those as well, without a sequence")
    func live() async throws {
        try await withFleet { fleet in
            try await fleet.operate { client in
                try await withSubscriber(client, ["hall/#"]) { live in
                    try await fleet.withThing("thing-1") { thing in
                        try await thing.waitUntilConnected()
                        // Nothing says that the subscription has begun but a message that arrives.
                        try await eventually("the subscription shows a reading") {
                            try await thing.publish("hall/probe", ["value": 0], qos: .atMostOnce)
                            return !live.records.isEmpty
                        }
                        for number in 1...5 {
                            try await thing.publish("hall/a", ["value": .double(Double(number))])
                            try await thing.publish(
                                "hall/z", ["value": .double(Double(number))], qos: .atMostOnce)
                            try await thing.publish("elsewhere", ["value": 1])
                        }
                        try await eventually("all are shown") {
                            live.records.count { $0.message.topic == "hall/a" } == 5
                                && live.records.count { $0.message.topic == "hall/z" } == 5
                        }
                    }
                    let confirmed = live.records.filter { $0.message.topic == "hall/a" }
                    #expect(confirmed.map { $0.number() } == [1, 2, 3, 4, 5])
                    let volatile = live.records.filter { $0.message.topic == "hall/z" }
                    #expect(volatile.map { $0.number() } == [1, 2, 3, 4, 5])
                    #expect(
                        volatile.allSatisfy { $0.origin.lastSequence == 0 && $0.origin.thing == "thing-1" })
                    #expect(!live.records.contains { $0.message.topic == "elsewhere" })
                    #expect(live.dropped == 0)
                    #expect(try await fleet.history(filter: "hall/z").count == 5)
                }
            }
        }
    }

    @Test("may come as plain maps from a foreign client, and are stored as batches")
    func plain() async throws {
        try await withFleet { fleet in
            let identity = try await fleet.identity(.thing, "thing-1")
            try await fleet.connect(to: .core("core-1"), as: identity) { client in
                try await withPublisher(client) { publisher in
                    try await publisher.open()
                    publisher.publish(
                        .with {
                            $0.sequence = 1
                            $0.message.topic = "foreign/x"
                            $0.message.reading.values = [
                                "temperature": .with { $0.doubleValue = 21.5 },
                                "count": .with { $0.integerValue = -3 },
                                "open": .with { $0.boolValue = true },
                                "state": .with { $0.stringValue = "warm" },
                            ]
                            $0.message.reading.units = ["temperature": "Cel"]
                        }, .plain(2, "foreign/x", ["temperature": 22]))
                    try await publisher.acknowledged(through: 2)
                }
            }
            let records = try await fleet.history(filter: "foreign/x", count: 2)
            let first = try #require(records.first { $0.origin.firstSequence == 1 })
            #expect(
                first.message.reading.values.mapValues(\.kind) == [
                    "temperature": .doubleValue(21.5), "count": .integerValue(-3), "open": .boolValue(true),
                    "state": .stringValue("warm"),
                ])
            #expect(first.message.reading.units == ["temperature": "Cel"])
            // Without a time of its own it has that of the first server that it met.
            #expect(abs(first.message.time.timeIntervalSince1970 - Date().timeIntervalSince1970) < 60)
        }
    }

    @Test("may go straight to the cloud, and commands come straight back")
    func direct() async throws {
        let group = """
            kind: Group
            name: hall
            cores: [core-1]
            things: [thing-1]
            subscriptions:
              - {from: cloud, topic: cmd/#, to: thing:thing-1}
            """
        try await withFleet(groups: [group]) { fleet in
            try await fleet.withThing("thing-1", configure: { $0.direct = true }) { thing in
                let commands = try thing.commands("cmd/#")
                try await thing.publishAndWait("anything/at/all", ["value": 7])
                #expect(thing.statistics.currentCore == "cloud")
                try await fleet.operate { client in
                    try await withPublisher(client) { publisher in
                        try await publisher.open()
                        publisher.publish(.plain(1, "cmd/go", ["value": 1]))
                        try await publisher.acknowledged(through: 1)
                    }
                }
                for try await command in commands {
                    #expect(command.topic == "cmd/go")
                    break
                }
            }
            let records = try await fleet.history(thing: "thing-1", count: 1)
            #expect(records.map { $0.number() } == [7])
            #expect(records.allSatisfy { $0.core.isEmpty })
        }
    }
}
