import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Identity
import RPCSupport
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing
import ThingClient
import X509

/// Shadows on a core and in the cloud, over real sockets (semantics, section 4; lesson 30).
@Suite("Shadows of a core and of the cloud", .timeLimit(.minutes(10)))
struct ShadowSyncTests {
    private typealias Shadows = Hedgerow_Shadow_V1_ShadowService

    private static func group(_ shadows: String = "{sync: [thing-1]}", cores: String = "core-1") -> String {
        """
        kind: Group
        name: hall
        cores: [\(cores)]
        things: [thing-1, thing-2]
        subscriptions:
          - {from: thing:thing-1, topic: weather/#, to: shadow}
          - {from: shadow, topic: '$aws/things/thing-1/shadow/update/delta', to: thing:thing-1}
        shadows: \(shadows)

        """
    }

    /// One side of the fleet.
    private enum Side { case cloud, core }

    private struct Document: Equatable {
        var version: UInt64
        var text: String

        func has(_ part: String) -> Bool { text.contains(part) }
    }

    private static func call<Value: Sendable>(
        _ fleet: Fleet, _ side: Side, core: String = "core-1",
        _ body: @Sendable (Shadows.Client<HTTP2ClientTransport.Posix>) async throws -> Value
    ) async throws -> Value {
        switch side {
        case .cloud: try await fleet.operate { try await body(Shadows.Client(wrapping: $0)) }
        case .core:
            try await fleet.connect(
                to: .core(core), as: try await fleet.identity(.thing, "thing-1"),
                roots: try await authorities(of: core, fleet)
            ) { try await body(Shadows.Client(wrapping: $0)) }
        }
    }

    /// What a core shows, as the cloud said once: it may be away when it is needed.
    private static func authorities(of core: String, _ fleet: Fleet) async throws -> [Certificate] {
        let place = fleet.corePath(core)
        if let known = authorities.withLock({ $0[place] }) { return known }
        let found = try await fleet.authorities(ofCore: core)
        authorities.withLock { $0[place] = found }
        return found
    }

    private static let authorities = Mutex<[String: [Certificate]]>([:])

    private static func update(_ fleet: Fleet, _ side: Side, _ state: String, name: String = "") async throws
    {
        _ = try await call(fleet, side) { client in
            try await client.updateShadow(
                .with {
                    $0.thing = "thing-1"
                    $0.name = name
                    $0.document = "{\"state\": \(state)}"
                })
        }
    }

    private static func delete(_ fleet: Fleet, _ side: Side, name: String = "") async throws {
        _ = try await call(fleet, side) { client in
            try await client.deleteShadow(
                .with {
                    $0.thing = "thing-1"
                    $0.name = name
                })
        }
    }

    private static func document(_ fleet: Fleet, _ side: Side, name: String = "") async throws -> Document? {
        do {
            return try await call(fleet, side) { client in
                let response = try await client.getShadow(
                    .with {
                        $0.thing = "thing-1"
                        $0.name = name
                    })
                return Document(version: response.version, text: response.document)
            }
        } catch let error as RPCError where error.code == .notFound {
            return nil
        }
    }

    /// Waits until both sides have something.
    private static func converged(_ fleet: Fleet, name: String = "", _ parts: String...) async throws {
        for side in [Side.core, .cloud] {
            try await eventually("\(side) has \(parts)", within: .seconds(60)) {
                guard let found = try? await document(fleet, side, name: name) else { return false }
                return parts.allSatisfy(found.has)
            }
        }
    }

    @Test("a reading reaches the cloud's shadow, and what the cloud desires reaches the thing")
    func bothWays()
        async throws
    {
        try await withFleet(things: ["thing-1", "thing-2"], groups: [Self.group()]) { fleet in
            try await fleet.withThing("thing-1") { thing in
                try await thing.publish(
                    "weather/readings", ["temperature": .double(21.5), "wet": .bool(false)])
                try await Self.converged(fleet, #""temperature":21.5"#, #""wet":false"#)
                try await Self.update(fleet, .cloud, #"{"desired": {"fan": true}}"#)
                // Told after every update while there is a difference, so that a late listener misses nothing.
                let deltas = try thing.commands("$aws/things/thing-1/shadow/update/delta", qos: .atMostOnce)
                let delta = try await withThrowingTaskGroup(of: String?.self) { group in
                    group.addTask { try await deltas.first { _ in true }?.text }
                    group.addTask {
                        while true {
                            try await thing.publish("weather/readings", ["wet": .bool(true)])
                            try await Task.sleep(for: .milliseconds(100))
                        }
                    }
                    defer { group.cancelAll() }
                    return try await group.next() ?? nil
                }
                #expect(delta?.contains(#""state":{"fan":true}"#) == true)
                try await Self.update(fleet, .core, #"{"reported": {"fan": true}}"#)
                try await eventually("no difference is left in the cloud") {
                    try await Self.document(fleet, .cloud).map { !$0.has("delta") && $0.has("fan") } ?? false
                }
            }
            let list = try await Self.call(fleet, .cloud) { try await $0.listShadows(.init()).shadows }
            #expect(list.map(\.thing) == ["thing-1"] && list.first?.sync.core == "core-1")
            let history = try await Self.call(fleet, .cloud) { client in
                try await client.listShadowHistory(.with { $0.thing = "thing-1" }).entries.map(\.author)
            }
            #expect(history.contains("core:core-1") && history.contains { $0.hasPrefix("operator:") })
        }
    }

    @Test("what both changed while they were apart is merged by rule, and can be explained") func conflicts()
        async throws
    {
        try await withFleet(things: ["thing-1", "thing-2"], groups: [Self.group()]) { fleet in
            try await Self.update(
                fleet, .core, #"{"reported": {"a": 0, "b": 0}, "desired": {"a": 0, "b": 0}}"#)
            try await Self.converged(fleet, #""desired":{"a":0,"b":0}"#)
            _ = try await Self.authorities(of: "core-1", fleet)
            try await fleet.stopCore("core-1")
            try await Self.update(fleet, .cloud, #"{"reported": {"a": 1}, "desired": {"a": 1}}"#)
            try await fleet.stopCloud()
            try await fleet.startCore("core-1")
            try await Self.update(
                fleet, .core, #"{"reported": {"a": 2, "b": 2}, "desired": {"a": 2, "b": 2}}"#)
            try await fleet.startCloud()
            // Reported: the core wins; desired: the cloud; and what only one changed stands.
            try await Self.converged(fleet, #""reported":{"a":2,"b":2}"#, #""desired":{"a":1,"b":2}"#)
            for side in [Side.cloud, .core] {
                let conflicts = try await eventually("\(side) can explain") {
                    let found = try await Self.call(fleet, side) { client in
                        try await client.listShadowConflicts(.with { $0.thing = "thing-1" }).conflicts
                    }
                    return found.count == 2 ? found : nil
                }
                let winners = Dictionary(uniqueKeysWithValues: conflicts.map { ($0.path, $0.winner) })
                #expect(winners == ["reported/a": "core", "desired/a": "cloud"])
                #expect(
                    conflicts.allSatisfy { $0.base == "0" && $0.coreValue == "2" && $0.cloudValue == "1" })
                #expect(conflicts.allSatisfy { !$0.rule.isEmpty && $0.core == "core-1" })
            }
        }
    }

    @Test("a deletion wins over an edit, and what is created anew stays (lesson 30)") func deletions()
        async throws
    {
        try await withFleet(things: ["thing-1", "thing-2"], groups: [Self.group()]) { fleet in
            for name in ["deleted-here", "deleted-there", "renewed"] {
                try await Self.update(fleet, .core, #"{"reported": {"n": 1}}"#, name: name)
                try await Self.converged(fleet, name: name, #""n":1"#)
            }
            try await fleet.stopCore("core-1")
            try await Self.delete(fleet, .cloud, name: "deleted-there")
            try await Self.delete(fleet, .cloud, name: "renewed")
            try await Self.update(fleet, .cloud, #"{"desired": {"fresh": true}}"#, name: "renewed")
            try await Self.update(fleet, .cloud, #"{"reported": {"n": 5}}"#, name: "deleted-here")
            try await fleet.stopCloud()
            try await fleet.startCore("core-1")
            try await Self.update(fleet, .core, #"{"reported": {"n": 2}}"#, name: "deleted-there")
            try await Self.update(fleet, .core, #"{"reported": {"n": 2}}"#, name: "renewed")
            try await Self.delete(fleet, .core, name: "deleted-here")
            try await fleet.startCloud()
            for name in ["deleted-here", "deleted-there"] {
                for side in [Side.core, .cloud] {
                    try await eventually("\(name) is gone on \(side)", within: .seconds(60)) {
                        try await Self.document(fleet, side, name: name) == nil
                    }
                }
            }
            try await Self.converged(fleet, name: "renewed", #""fresh":true"#)
            #expect(try await Self.document(fleet, .core, name: "renewed")?.has("\"n\"") == false)
            // Nothing goes on moving: the versions stay.
            let before = try await Self.document(fleet, .cloud, name: "renewed")?.version
            try await Self.update(fleet, .core, #"{"reported": {"tick": 1}}"#)
            try await Self.converged(fleet, #""tick":1"#)
            #expect(try await Self.document(fleet, .cloud, name: "renewed")?.version == before)
        }
    }

    @Test("one way only, where the group says so") func directions() async throws {
        let toCloud = "{sync: [{things: thing-1, direction: toCloud}]}"
        try await withFleet(things: ["thing-1", "thing-2"], groups: [Self.group(toCloud)]) { fleet in
            try await Self.update(fleet, .core, #"{"reported": {"n": 1}}"#)
            try await Self.converged(fleet, #""n":1"#)
            try await Self.update(fleet, .cloud, #"{"desired": {"ignored": 1}}"#)
            try await eventually("the core's stands") {
                try await Self.document(fleet, .cloud)?.has("ignored") == false
            }
            #expect(try await Self.document(fleet, .core)?.has("ignored") == false)
            try await fleet.deploy(Self.group("{sync: [{things: '*', direction: toEdge}]}"))
            try await Self.update(fleet, .cloud, #"{"desired": {"m": 1}}"#)
            try await Self.converged(fleet, #""m":1"#)
            try await Self.update(fleet, .core, #"{"reported": {"stray": 1}}"#)
            try await eventually("the cloud's stands") {
                try await Self.document(fleet, .core)?.has("stray") == false
            }
        }
    }

    @Test("they have one home among the cores of a group") func home() async throws {
        let group = Self.group("{sync: ['*'], home: core-2}", cores: "core-1, core-2")
        try await withFleet(
            cores: ["core-1", "core-2"], things: ["thing-1", "thing-2"], groups: [group]
        ) { fleet in
            let error = await #expect(throws: RPCError.self) {
                try await Self.update(fleet, .core, #"{"reported": {"n": 1}}"#)
            }
            #expect(error?.code == .failedPrecondition && error?.message.contains("core-2") == true)
            _ = try await Self.call(fleet, .core, core: "core-2") { client in
                try await client.updateShadow(
                    .with {
                        $0.thing = "thing-1"
                        $0.document = #"{"state": {"reported": {"n": 2}}}"#
                    })
            }
            try await eventually("the cloud has it") {
                try await Self.document(fleet, .cloud)?.has(#""n":2"#) == true
            }
            // The home moves: the new one learns all that the old one had.
            try await fleet.deploy(Self.group("{sync: ['*'], home: core-1}", cores: "core-1, core-2"))
            try await eventually("the new home has it", within: .seconds(60)) {
                try await Self.document(fleet, .core)?.has(#""n":2"#) == true
            }
        }
    }

    @Test("one that is too large for the cloud stays, is said to be so, and holds up no other")
    func tooLarge()
        async throws
    {
        try await withFleet(things: ["thing-1", "thing-2"], groups: [Self.group()]) { fleet in
            let text = String(repeating: "x", count: 10_000)
            try await Self.update(fleet, .core, #"{"reported": {"text": "\#(text)"}}"#, name: "large")
            try await Self.update(fleet, .core, #"{"reported": {"n": 1}}"#)
            try await Self.converged(fleet, #""n":1"#)
            let status = try await eventually("it is said") {
                let shadows = try await Self.call(fleet, .core) { try await $0.listShadows(.init()).shadows }
                return shadows.first { $0.name == "large" && $0.sync.state == .failed }?.sync
            }
            #expect(status.problem.contains("8192") || status.problem.contains("8,192"))
            try await Self.update(fleet, .core, #"{"reported": {"text": "short"}}"#, name: "large")
            try await Self.converged(fleet, name: "large", #""text":"short""#)
        }
    }
}
