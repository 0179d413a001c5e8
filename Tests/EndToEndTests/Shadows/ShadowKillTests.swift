import Foundation
import GRDB
import HedgerowAPI
import ShadowStore
import Shadows
import SwiftProtobuf
import TestSupport
import Testing

/// Core and cloud are killed while shadows change on both sides.
@Suite(.serialized) struct ShadowKillTests {
    private typealias Service = Hedgerow_Shadow_V1_ShadowService

    private static let group = """
        kind: Group
        name: mill
        cores: [core-a]
        things: [press-1]
        subscriptions:
          - {from: "thing:*", topic: "#", to: cloud}
          - {from: "thing:*", topic: "#", to: shadow}
        shadows: {sync: ['*']}
        """

    @Test(
        "whatever is killed, both sides are the same in the end, and nothing that was accepted is undone",
        .timeLimit(.minutes(8)))
    func kills() async throws {
        let seed =
            ProcessInfo.processInfo.environment["HEDGEROW_KILL_SEED"].flatMap(UInt64.init)
            ?? .random(in: 0 ... .max)
        print("shadow kill test: HEDGEROW_KILL_SEED=\(seed)")
        var generator = SeededGenerator(seed: seed)
        try await ProcessFleet.with { fleet in
            try await fleet.startCloud()
            let admin = try await FleetOperator(enrollingIn: fleet)
            try await admin.register(cores: ["core-a"], things: ["press-1"])
            try await admin.apply(Self.group)
            let core = try await fleet.startCore("core-a", waits: false)
            try await admin.deploy(group: "mill")
            try await fleet.waitForPorts("core-a", core)
            let thing = FleetThing("press-1", in: fleet)
            let publisher = try thing.start(["--interval", "0.01", "--flush-timeout", "60"])

            var desired = 0
            for round in 0..<6 {
                // Both sides change it, before and after the kill.
                for _ in 0..<Int.random(in: 1...5, using: &generator) {
                    desired += 1
                    try await Self.desire(desired, admin)
                }
                try await Self.seen(desired, fleet, round: round)
                let victim = Bool.random(using: &generator) ? "core-a" : "cloud"
                desired += 1
                if victim == "core-a" {
                    try await fleet.process("core-a").kill9()
                    try await Self.desire(desired, admin)
                    try await fleet.startCore("core-a")
                } else {
                    try await Self.desire(desired, admin)
                    try await fleet.process("cloud").kill9()
                    try await fleet.startCloud()
                }
            }
            publisher.signal(15)
            #expect(try await publisher.waitForExit(within: .seconds(90)) == .code(0))

            let last = desired
            try await eventually("core and cloud have the same", within: .seconds(60)) {
                let cloud = try await Self.cloud(admin)
                guard let core = try await Self.core(fleet), !cloud.isEmpty else { return false }
                return core.state.text == (try JSONValue(parsing: cloud.utf8)).text
                    && core.desired == ["n": .integer(Int64(last))] && core.reported?.isEmpty == false
            }
        }
    }

    /// Desires a number in the cloud.
    private static func desire(_ number: Int, _ admin: FleetOperator) async throws {
        try await admin.call { client in
            _ = try await Service.Client(wrapping: client).updateShadow(
                .with {
                    $0.thing = "press-1"
                    $0.document = "{\"state\": {\"desired\": {\"n\": \(number)}}}"
                })
        }
    }

    /// Waits until the core has what the cloud desires.
    private static func seen(_ number: Int, _ fleet: ProcessFleet, round: Int) async throws {
        try await eventually("the core has \(number) in round \(round)", within: .seconds(60)) {
            try await core(fleet)?.desired == ["n": .integer(Int64(number))]
        }
    }

    /// The cloud's state as JSON.
    private static func cloud(_ admin: FleetOperator) async throws -> String {
        let text = try await admin.call { client in
            try await Service.Client(wrapping: client).getShadow(.with { $0.thing = "press-1" }).document
        }
        guard case .object(let document) = try JSONValue(parsing: text.utf8),
            case .object(var state)? = document["state"]
        else { return "" }
        state["delta"] = nil
        return JSONValue.object(state).text
    }

    /// The core's document, as its database has it; nil where there is none.
    private static func core(_ fleet: ProcessFleet) async throws -> ShadowDocument? {
        var configuration = Configuration()
        configuration.readonly = true
        let pool = try DatabasePool(
            path: fleet.statePath("core-a") + "/core.sqlite", configuration: configuration)
        defer { try? pool.close() }
        return try await pool.read { db in
            let shadows = ShadowTransaction(db, side: .core, limits: .local, now: 0, author: "")
            return try shadows.record(ShadowKey(thing: "press-1", name: ""))?.shadow.document
        }
    }
}
