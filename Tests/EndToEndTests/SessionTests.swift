import Cloud
import HedgerowAPI
import Identity
import Messaging
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

@Suite("Publishing sessions", .timeLimit(.minutes(3)))
struct SessionTests {
    @Test("end the older one of the same publisher and stream, and nothing of that is stored afterwards")
    func superseded() async throws {
        for server in [Fleet.Server.core("core-1"), .cloud] {
            try await withFleet { fleet in
                let identity = try await fleet.identity(.thing, "thing-1")
                let epoch = Epoch.random()
                try await fleet.connect(to: server, as: identity) { client in
                    try await withPublisher(client, epoch: epoch) { older in
                        #expect(try await older.open() == 0)
                        older.publish(.plain(1, "hall/a", ["value": 1]), .plain(2, "hall/a", ["value": 2]))
                        try await older.acknowledged(through: 2)
                        try await withPublisher(client, epoch: epoch) { newer in
                            #expect(try await newer.open() == 2, "it goes on where the older one was")
                            older.publish(.plain(3, "hall/a", ["value": 666]))
                            #expect(try await older.refusal().reason == .sessionSuperseded)
                            // What was there already is acknowledged and not stored again.
                            newer.publish(
                                .plain(1, "hall/a", ["value": 1]), .plain(2, "hall/a", ["value": 2]))
                            newer.publish(.plain(3, "hall/a", ["value": 3]))
                            try await newer.acknowledged(through: 3)
                        }
                    }
                }
                #expect(
                    try await fleet.history(count: 3).map { $0.number() }.sorted { $0 ?? 0 < $1 ?? 0 } == [
                        1, 2, 3,
                    ])
            }
        }
    }

    @Test("declare what is lost, and the ledger counts by day and names the ranges")
    func ledger() async throws {
        try await withFleet { fleet in
            let identity = try await fleet.identity(.thing, "thing-1")
            let epoch = Epoch.random()
            try await fleet.connect(to: .core("core-1"), as: identity) { client in
                try await withPublisher(client, epoch: epoch) { publisher in
                    // An unknown epoch begins anywhere, and nothing before it is lost: another core may have it.
                    #expect(try await publisher.open(oldest: 100) == 99)
                    publisher.publish(.packed(100, "hall/a", [0, 1, 2]))
                    publisher.send(
                        .with {
                            $0.lost = [
                                .with {
                                    $0.firstSequence = 103
                                    $0.lastSequence = 107
                                    $0.reason = .expired
                                }
                            ]
                            $0.publications = [.packed(108, "hall/a", [3, 4])]
                        })
                    try await publisher.acknowledged(through: 109)
                }
                try await withPublisher(client, epoch: epoch) { publisher in
                    // A known epoch that goes on later has lost what lies between.
                    #expect(try await publisher.open(oldest: 112) == 111)
                    publisher.publish(.packed(112, "hall/a", [5]))
                    try await publisher.acknowledged(through: 112)
                }
            }
            try await fleet.history(count: 6)
            let ledger = try await eventually("the losses are known") {
                let ledger = try await fleet.ledger("thing-1")
                return ledger.lost == 7 ? ledger : nil
            }
            #expect(ledger.received == 6)
            #expect(ledger.missing == 0)
            #expect(ledger.ranges.map(\.firstSequence) == [103, 110])
            #expect(ledger.ranges.map(\.lastSequence) == [107, 111])
            #expect(ledger.ranges.map(\.reason) == [.expired, .notResent])
            let day = try #require(ledger.days.first)
            #expect(ledger.days.count == 1 && day.stream == "core-1/default")
            #expect(day.received == 6 && day.duplicates == 0 && day.rejected == 0)
            #expect(
                Dictionary(uniqueKeysWithValues: day.lost.map { ($0.reason, $0.count) }) == [
                    .expired: 5, .notResent: 2,
                ])
        }
    }

    @Test("of a thing that moves between core and cloud are told apart by origin: a late copy is a duplicate")
    func duplicates() async throws {
        try await withFleet { fleet in
            let identity = try await fleet.identity(.thing, "thing-1")
            let epoch = Epoch.random()
            for server in [Fleet.Server.core("core-1"), .cloud] {
                try await fleet.connect(to: server, as: identity) { client in
                    try await withPublisher(client, epoch: epoch) { publisher in
                        try await publisher.open()
                        publisher.publish(.packed(1, "hall/a", (1...50).map(Double.init)))
                        try await publisher.acknowledged(through: 50)
                    }
                }
            }
            try await eventually("both copies have arrived") {
                let ledger = try await fleet.ledger("thing-1")
                return ledger.received == 50 && ledger.days.reduce(0) { $0 + $1.duplicates } == 50
            }
            #expect(try await fleet.history().count == 50)
        }
    }

    @Test("leave a history that is kept within its size, the newest of it")
    func retention() async throws {
        try await withFleet { fleet in
            let identity = try await fleet.identity(.thing, "thing-1")
            try await fleet.connect(to: .cloud, as: identity) { client in
                try await withPublisher(client) { publisher in
                    try await publisher.open()
                    for number in 1...6 {
                        publisher.publish(.payload(UInt64(number), "bulk/x", bytes: 500_000))
                    }
                    try await publisher.acknowledged(through: 6)
                }
            }
            #expect(try await fleet.history().count == 6)
            try await fleet.stopCloud()
            try await fleet.startCloud { $0.retention.maximumBytes = 1_100_000 }
            try await eventually("the oldest are deleted") { try await fleet.history().count == 2 }
            #expect(try await fleet.history().map(\.origin.firstSequence) == [6, 5])
            // What is deleted for its age is still accounted for.
            let ledger = try await fleet.ledger("thing-1")
            #expect(ledger.received == 6 && ledger.lost == 0 && ledger.missing == 0)
        }
    }
}
