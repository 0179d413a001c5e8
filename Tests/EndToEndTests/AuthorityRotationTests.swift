import Foundation
import HedgerowAPI
import Identity
import PKI
import RPCSupport
import TestSupport
import Testing
import ThingClient

@Suite("Replacing a group's authority", .timeLimit(.minutes(5)))
struct AuthorityRotationTests {
    private static let streamers = ["thing-1", "thing-2", "thing-3"]
    private static let group = """
        kind: Group
        name: hall
        cores: [core-1]
        things: [thing-1, thing-2, thing-3, thing-4]
        subscriptions:
          - {from: "thing:*", topic: hall/#, to: cloud}
          - {from: "thing:*", topic: peer/#, to: "thing:thing-3"}
        """

    @Test("every 5 seconds for a minute under load drops no stream, and who comes in between gets in")
    func underLoad() async throws {
        try await withFleet(things: Self.streamers + ["thing-4"], groups: [Self.group]) { fleet in
            let disconnections = Shared<[String]>([])
            let received = Shared(0)
            let published = Shared(0)
            var visitorConnections = 0
            try await Self.withStreamers(fleet, disconnections, until: Shared(false)) { things in
                let commands = try things[2].commands("peer/#")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for thing in things {
                        group.addTask {
                            var number = 0.0
                            while !Task.isCancelled {
                                try await thing.publish("hall/a", ["value": .double(number)])
                                published.change { $0 += 1 }
                                if thing !== things[2] {
                                    try await thing.publish("peer/a", ["value": .double(number)])
                                }
                                number += 1
                                try? await Task.sleep(for: .milliseconds(20))
                            }
                        }
                    }
                    group.addTask {
                        for try await _ in commands { received.change { $0 += 1 } }
                    }
                    for thing in things { try await thing.waitUntilConnected() }
                    var fingerprints: Set<String> = []
                    for round in 1...12 {
                        let begin = ContinuousClock.now
                        let before = received.value
                        let answer = try await fleet.rotateAuthority("hall")
                        #expect(fingerprints.insert(answer.authority.fingerprint).inserted)
                        #expect(answer.notifiedCores == 1)
                        // The core really shows a certificate of the new authority.
                        let newest = try await fleet.authorities(ofCore: "core-1").filter {
                            try $0.sha256Fingerprint() == answer.authority.fingerprint
                        }
                        #expect(newest.count == 1)
                        let identity = try await fleet.identity(.thing, "thing-4")
                        try await eventually(
                            "the core has a certificate of the new authority", within: .seconds(5)
                        ) {
                            let connected: Void? = try? await fleet.connect(
                                to: .core("core-1"), as: identity, roots: newest
                            ) { client in
                                _ = try await Grpc_Health_V1_Health.Client(wrapping: client).check(.init())
                            }
                            return connected != nil
                        }
                        // Somebody who knows an older authority only finds his way.
                        try await fleet.withThing("thing-4") { visitor in
                            _ = try await visitor.publishAndWait(
                                "hall/visit", ["value": .double(Double(round))])
                        }
                        visitorConnections += 1
                        try await eventually("the subscription goes on") { received.value > before }
                        print(
                            "rotation \(round) of 12: \(received.value) messages received, "
                                + "\(disconnections.value.count) disconnections")
                        try await Task.sleep(until: begin + .seconds(5), clock: .continuous)
                    }
                    group.cancelAll()
                }
                for thing in things {
                    #expect(thing.statistics.reconnects == 0)
                    try await thing.flush()
                }
            }
            #expect(disconnections.value.isEmpty)
            #expect(visitorConnections == 12)
            #expect(try await fleet.history(filter: "hall/visit", count: 12).count == 12)
            let stored = try await fleet.history(filter: "hall/a", count: published.value)
            #expect(stored.count == published.value)
            #expect(stored.count > 3 * 60 * 5, "under load")
            #expect(Set(stored.map { "\($0.origin.thing) \($0.origin.firstSequence)" }).count == stored.count)
            print(
                "rotation: \(published.value) published, \(stored.count) stored, \(received.value) received from peers"
            )
        }
    }

    /// Runs the streaming things; what they say about losing a connection is kept until they are told to end.
    private static func withStreamers(
        _ fleet: Fleet, _ disconnections: Shared<[String]>, until isOver: Shared<Bool>,
        _ body: ([ThingClient.Thing]) async throws -> Void
    ) async throws {
        func configure(_ configuration: inout ThingConfiguration) {
            configuration.onEvent = { event in
                if case .disconnected(_, let reason) = event, !isOver.value {
                    disconnections.change { $0.append(reason) }
                }
            }
        }
        try await fleet.withThing(streamers[0], configure: configure) { one in
            try await fleet.withThing(streamers[1], configure: configure) { two in
                try await fleet.withThing(streamers[2], configure: configure) { three in
                    try await body([one, two, three])
                    isOver.change { $0 = true }
                }
            }
        }
    }
}
