import EdgeCore
import Identity
import RPCSupport
import TestSupport

/// The thing beside the one that misbehaves: it goes on, or the test fails.
struct HealthyThing: Sendable {
    private let publisher: RawPublisher
    private let last = Shared<UInt64>(0)

    /// Publishes readings and waits until they are acknowledged.
    func goesOn(_ times: Int = 5) async throws {
        for _ in 0..<times {
            let sequence = last.change { last in
                last += 1
                return last
            }
            publisher.publish(.plain(sequence, "hall/a", ["value": 1]))
            try await publisher.acknowledged(through: sequence, within: .seconds(60))
        }
    }

    /// Runs a fleet of a core with the healthy `thing-1` and the other things, and the body.
    static func with(
        others: [String] = ["bad-1"], limits: CoreConfiguration.Limits = .init(),
        _ body: @Sendable (Fleet, HealthyThing) async throws -> Void
    ) async throws {
        let things = ["thing-1"] + others
        let group = """
            kind: Group
            name: hall
            cores: [core-1]
            things: [\(things.joined(separator: ", "))]
            subscriptions:
              - {from: "thing:*", topic: "#", to: cloud}
            """
        try await withFleet(things: things, groups: [group]) { fleet in
            try await fleet.stopCore("core-1")
            try await fleet.startCore("core-1") { $0.limits = limits }
            let identity = try await fleet.identity(.thing, "thing-1")
            try await fleet.connect(to: .core("core-1"), as: identity) { client in
                try await withPublisher(client) { publisher in
                    let thing = HealthyThing(publisher: publisher)
                    try await publisher.open()
                    try await thing.goesOn()
                    try await body(fleet, thing)
                    try await thing.goesOn()
                }
            }
        }
    }
}

extension Fleet {
    /// Connects to the core as a thing, opens a session, and goes.
    func letsIn(_ identity: ClientIdentity) async throws {
        try await connect(to: .core("core-1"), as: identity) { client in
            try await withPublisher(client) { _ = try await $0.open() }
        }
    }
}
