import HedgerowAPI
import RPCSupport
import TestSupport
import Testing
import ThingClient

@Suite("Fail-over", .timeLimit(.minutes(3)))
struct FailOverTests {
    static let group = """
        kind: Group
        name: hall
        cores: [core-1, core-2]
        things: [thing-1]
        subscriptions:
          - {from: "thing:*", topic: "#", to: cloud}
        """

    @Test("takes a thing to the other core of its group, and every reading is stored once")
    func otherCore() async throws {
        try await withFleet(cores: ["core-1", "core-2"], groups: [Self.group]) { fleet in
            let published = Shared(0)
            try await fleet.withThing("thing-1") { thing in
                try await thing.waitUntilConnected()
                let first = try #require(thing.statistics.currentCore)
                let other = first == "core-1" ? "core-2" : "core-1"
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        while !Task.isCancelled {
                            let number = published.change { count in
                                count += 1
                                return count
                            }
                            try await thing.publish("hall/a", ["value": .double(Double(number))])
                            try? await Task.sleep(for: .milliseconds(2))
                        }
                    }
                    try await eventually("some are stored by way of \(first)") {
                        thing.statistics.acknowledged > 100
                    }
                    let time = try await fleet.stopCore(first)
                    #expect(time < .seconds(10))
                    try await eventually("the thing is at \(other)") { thing.statistics.currentCore == other }
                    let reached = thing.statistics.acknowledged
                    try await eventually("it goes on there") { thing.statistics.acknowledged > reached + 100 }
                    // What the first one still owed comes when it is back.
                    try await fleet.startCore(first)
                    group.cancelAll()
                }
                #expect(thing.statistics.reconnects >= 1)
            }
            let count = published.value
            let records = try await fleet.history(thing: "thing-1", count: count)
            #expect(records.count == count)
            #expect(Set(records.compactMap { $0.number() }) == Set((1...count).map(Double.init)))
            #expect(Set(records.map(\.core)) == ["core-1", "core-2"])
            try await eventually("the account is closed") {
                let ledger = try await fleet.ledger("thing-1")
                return ledger.received == UInt64(count) && ledger.lost == 0 && ledger.missing == 0
            }
        }
    }

    @Test("is not needed while the cloud is away: the core goes on, and starts, without it")
    func withoutCloud() async throws {
        try await withFleet { fleet in
            try await fleet.withThing("thing-1") { thing in
                try await thing.publishAndWait("hall/a", ["value": 1])
                try await fleet.stopCloud()
                try await thing.publishAndWait("hall/a", ["value": 2])
                // The core starts with its last deployment and its last certificate.
                try await fleet.stopCore("core-1")
                try await fleet.startCore("core-1")
                try await thing.publishAndWait("hall/a", ["value": 3])
                try await fleet.startCloud()
            }
            let records = try await fleet.history(count: 3)
            #expect(records.compactMap { $0.number() }.sorted() == [1, 2, 3])
        }
    }
}
