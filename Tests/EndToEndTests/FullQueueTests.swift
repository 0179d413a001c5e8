import HedgerowAPI
import Identity
import RPCSupport
import TestSupport
import Testing

@Suite("A full stream", .timeLimit(.minutes(3)))
struct FullQueueTests {
    @Test(
        "that rejects pauses its publisher's stream alone, which goes on when the cloud is back; nothing is lost"
    )
    func pauses() async throws {
        let group = """
            kind: Group
            name: hall
            cores: [core-1]
            things: [thing-1, thing-2]
            subscriptions:
              - {from: "thing:*", topic: bulk/#, to: cloud, via: bulk}
              - {from: "thing:*", topic: live/#, to: cloud}
            streams:
              bulk: {maxSize: 64KiB, onFull: rejectNew}
            """
        try await withFleet(things: ["thing-1", "thing-2"], groups: [group]) { fleet in
            let (one, two) = (
                try await fleet.identity(.thing, "thing-1"), try await fleet.identity(.thing, "thing-2")
            )
            try await fleet.connect(to: .core("core-1"), as: one) { first in
                try await fleet.connect(to: .core("core-1"), as: two) { second in
                    try await withPublisher(first) { bulk in
                        try await withPublisher(first) { live in
                            try await withPublisher(second) { other in
                                try await bulk.open(stream: "bulk")
                                try await live.open(stream: "live")
                                try await other.open()
                                try await fleet.stopCloud()
                                for number in 1...20 {
                                    bulk.publish(.payload(UInt64(number), "bulk/x", bytes: 8_000))
                                }
                                try await eventually("the publisher is told to wait") {
                                    bulk.responses.contains { $0.hasPaused }
                                }
                                let paused = try #require(bulk.responses.last { $0.hasPaused })
                                #expect(paused.paused.reason == .queueFull)
                                #expect(paused.paused.hasRetryAfter)
                                #expect((6...8).contains(bulk.acknowledged), "\(bulk.acknowledged)")

                                // The thing's other stream and another thing are not held up.
                                live.publish((1...50).map { .plain($0, "live/a", ["value": Double($0)]) })
                                other.publish((1...50).map { .plain($0, "live/b", ["value": Double($0)]) })
                                try await live.acknowledged(through: 50, within: .seconds(5))
                                try await other.acknowledged(through: 50, within: .seconds(5))
                                #expect(bulk.acknowledged < 20)

                                try await fleet.startCloud()
                                try await bulk.acknowledged(through: 20)
                                #expect(bulk.rejected.isEmpty)
                            }
                        }
                    }
                }
            }
            let records = try await fleet.history(filter: "bulk/#", count: 20)
            #expect(records.map(\.origin.firstSequence).sorted() == Array(1...20))
            try await fleet.history(filter: "live/#", count: 100)
            try await eventually("nothing is missing or lost") {
                let ledger = try await fleet.ledger("thing-1")
                return ledger.lost == 0 && ledger.missing == 0
            }
        }
    }

    @Test("that overwrites loses its oldest, and the ledger names exactly those")
    func overwrites() async throws {
        let group = """
            kind: Group
            name: hall
            cores: [core-1]
            things: [thing-1]
            subscriptions:
              - {from: "thing:*", topic: bulk/#, to: cloud, via: bulk}
            streams:
              bulk: {maxSize: 64KiB, onFull: overwriteOldest}
            """
        try await withFleet(groups: [group]) { fleet in
            let identity = try await fleet.identity(.thing, "thing-1")
            try await fleet.connect(to: .core("core-1"), as: identity) { client in
                try await withPublisher(client) { publisher in
                    try await publisher.open()
                    try await fleet.stopCloud()
                    for number in 1...40 {
                        publisher.publish(.payload(UInt64(number), "bulk/x", bytes: 8_000))
                    }
                    try await publisher.acknowledged(through: 40)
                    #expect(!publisher.responses.contains { $0.hasPaused })
                    try await fleet.startCloud()
                    let ledger = try await eventually("everything is accounted for") {
                        let ledger = try await fleet.ledger("thing-1")
                        return ledger.received + ledger.lost == 40 ? ledger : nil
                    }
                    #expect(ledger.missing == 0)
                    #expect(ledger.received <= 8 && ledger.received >= 5, "\(ledger.received)")
                    #expect(ledger.ranges.allSatisfy { $0.reason == .overwritten && !$0.missing })
                    let lost = Set(ledger.ranges.flatMap { Array($0.firstSequence...$0.lastSequence) })
                    let stored = try await fleet.history(filter: "bulk/#").map(\.origin.firstSequence)
                    #expect(lost.intersection(stored).isEmpty)
                    #expect(lost.union(stored) == Set(1...40))
                    #expect(Set(stored).count == stored.count)
                    #expect(stored.min() ?? 0 > lost.max() ?? .max, "the newest are kept")
                    #expect(ledger.days.flatMap(\.lost).reduce(0) { $0 + $1.count } == ledger.lost)
                }
            }
        }
    }
}
