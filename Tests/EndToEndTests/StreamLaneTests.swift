import HedgerowAPI
import Identity
import RPCSupport
import TestSupport
import Testing

@Suite("After an outage", .timeLimit(.minutes(3)))
struct StreamLaneTests {
    private func group(_ settings: String) -> String {
        """
        kind: Group
        name: hall
        cores: [core-1]
        things: [thing-1]
        subscriptions:
          - {from: "thing:*", topic: "#", to: cloud}
        streams:
          default: \(settings)
        """
    }

    /// Publishes a backlog of 2,000 messages of 500 bytes while the cloud is away, then, with the cloud back, 20 live
    /// ones, and says how many of the backlog were stored when the live ones were.
    private func backlogWhenLiveArrived(_ settings: String) async throws -> Int {
        let stored = Shared(0)
        try await withFleet(groups: [group(settings)]) { fleet in
            let identity = try await fleet.identity(.thing, "thing-1")
            try await fleet.connect(to: .core("core-1"), as: identity) { client in
                try await withPublisher(client) { publisher in
                    try await publisher.open()
                    try await fleet.stopCloud()
                    for first in stride(from: UInt64(1), through: 1_901, by: 100) {
                        publisher.publish((first..<first + 100).map { .payload($0, "backlog/x", bytes: 500) })
                    }
                    try await publisher.acknowledged(through: 2_000)
                    try await fleet.startCloud()
                    try await eventually("the backlog begins to arrive") {
                        try await fleet.ledger("thing-1").received > 0
                    }
                    publisher.publish((2_001...2_020).map { .plain($0, "live/x", ["value": Double($0)]) })
                    try await fleet.history(filter: "live/#", count: 20)
                    let total = try await Int(fleet.ledger("thing-1").received)
                    stored.change { $0 = total - 20 }
                    // In the end everything is there, once.
                    try await eventually("everything arrived") {
                        let ledger = try await fleet.ledger("thing-1")
                        return ledger.received == 2_020 && ledger.missing == 0 && ledger.lost == 0
                    }
                    let records = try await fleet.history(filter: "live/#", count: 20)
                    #expect(records.map(\.origin.firstSequence).sorted() == Array(2_001...2_020))
                    // Order holds within each lane; the history sorts both by sample time.
                    let ledger = try await fleet.ledger("thing-1")
                    #expect(ledger.days.allSatisfy { $0.stream == "core-1/default" && $0.duplicates == 0 })
                }
            }
        }
        return stored.value
    }

    @Test("live messages do not wait for the backlog where the stream has a live share")
    func liveOvertakes() async throws {
        // A megabyte at 256 KiB a second: four seconds, in which the live ones get their half.
        let stored = try await backlogWhenLiveArrived("{liveShare: 0.5, maxRate: 256KiB}")
        #expect(stored < 2_000)
    }

    @Test("a stream without a live share keeps its order") func orderHolds() async throws {
        #expect(try await backlogWhenLiveArrived("{maxRate: 512KiB}") == 2_000)
    }

    @Test("a stream in memory is acknowledged as received, survives an orderly restart, and keeps its order")
    func memoryStreams() async throws {
        try await withFleet(groups: [group("{persistence: memory}")]) { fleet in
            let identity = try await fleet.identity(.thing, "thing-1")
            try await fleet.connect(to: .core("core-1"), as: identity) { client in
                try await withPublisher(client) { publisher in
                    try await publisher.open()
                    publisher.publish((1...50).map { .plain($0, "t/x", ["value": Double($0)]) })
                    try await publisher.acknowledged(through: 50)
                    #expect(publisher.responses.last?.level == .received)
                    try await fleet.history(filter: "t/#", count: 50)
                    try await fleet.stopCloud()
                    publisher.publish((51...300).map { .plain($0, "t/x", ["value": Double($0)]) })
                    try await publisher.acknowledged(through: 300)
                }
            }
            try await fleet.stopCore("core-1")
            try await fleet.startCore("core-1")
            try await fleet.startCloud()
            try await eventually("what was in memory arrives") {
                let ledger = try await fleet.ledger("thing-1")
                return ledger.received == 300 && ledger.missing == 0 && ledger.lost == 0
            }
            let ledger = try await fleet.ledger("thing-1")
            #expect(ledger.days.reduce(0) { $0 + $1.duplicates } == 0)
        }
    }
}
