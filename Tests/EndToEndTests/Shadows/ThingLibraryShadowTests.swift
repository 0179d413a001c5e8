import GRPCCore
import HedgerowAPI
import RPCSupport
import Shadows
import SwiftProtobuf
import TestSupport
import Testing
import ThingClient

@Suite("Shadows by the library for things, on real servers", .timeLimit(.minutes(5)))
struct ThingLibraryShadowTests {
    private static let group = """
        kind: Group
        name: hall
        cores: [core-1]
        things: [thing-1]
        shadows: {sync: [thing-1]}

        """

    /// An operator desires something in the cloud.
    private func desire(_ fleet: Fleet, _ state: String, name: String = "") async throws {
        _ = try await fleet.operate { client in
            try await Hedgerow_Shadow_V1_ShadowService.Client(wrapping: client).updateShadow(
                .with {
                    $0.thing = "thing-1"
                    $0.name = name
                    $0.document = #"{"state": {"desired": \#(state)}}"#
                })
        }
    }

    /// What the cloud has; empty for nothing.
    private func cloudDocument(_ fleet: Fleet) async throws -> String {
        try await fleet.operate { client in
            do {
                return try await Hedgerow_Shadow_V1_ShadowService.Client(wrapping: client)
                    .getShadow(.with { $0.thing = "thing-1" }).document
            } catch let error as RPCError where error.code == .notFound {
                return ""
            }
        }
    }

    @Test("what is desired in the cloud reaches a thing at its core, and what it reports the cloud")
    func throughTheCore() async throws {
        try await withFleet(groups: [Self.group]) { fleet in
            try await fleet.withThing("thing-1") { thing in
                let shadow = thing.shadow()
                try await shadow.report(["speed": .integer(0)])
                try await eventually("the cloud has it") {
                    try await cloudDocument(fleet).contains(#""speed":0"#)
                }
                try await desire(fleet, #"{"speed": 3}"#)
                for try await event in try shadow.events(.delta) {
                    guard event.delta["speed"] == .integer(3) else { continue }
                    #expect(event.core == "core-1")
                    try await shadow.report(["speed": .integer(3)])
                    break
                }
                let state = try #require(try await shadow.get())
                #expect(state.delta.isEmpty && state.reported == ["speed": .integer(3)])
                try await eventually("the cloud has it too") {
                    try await cloudDocument(fleet).contains(#""reported":{"speed":3}"#)
                }
            }
        }
    }

    @Test("events go on where they broke when the core was away, with nothing left out or twice")
    func throughARestart() async throws {
        try await withFleet(groups: [Self.group]) { fleet in
            try await fleet.withThing("thing-1") { thing in
                let shadow = thing.shadow("env")
                var versions: [UInt64] = []
                try await shadow.report(["n": .integer(1)])
                for try await event in try shadow.events(.accepted) {
                    versions.append(event.version)
                    switch event.version {
                    case 1:
                        for number in 2...4 { try await shadow.report(["n": .integer(Int64(number))]) }
                    case 3:
                        _ = try await fleet.stopCore("core-1")
                        try await fleet.startCore("core-1")
                        try await shadow.report(["n": .integer(5)])
                    case 5...:
                        #expect(versions == [1, 2, 3, 4, 5])
                        return
                    default: break
                    }
                }
                Issue.record("the events ended with \(versions)")
            }
        }
    }

    @Test("a thing that is connected to the cloud itself has its shadows there, with versions and conditions")
    func direct() async throws {
        try await withFleet(cores: [], groups: []) { fleet in
            try await fleet.withThing("thing-1") {
                $0.direct = true
            } _: { thing in
                let shadow = thing.shadow("env")
                #expect(try await shadow.get() == nil)
                #expect(try await shadow.update(reported: ["t": .number(21.5)], version: 1) == 1)
                let refused = await #expect(throws: ThingError.self) {
                    try await shadow.update(desired: ["t": .null], version: 7)
                }
                guard case .shadowRefused(.shadowVersionConflict, _)? = refused else {
                    Issue.record("\(String(describing: refused))")
                    return
                }
                try await shadow.update(desired: ["fan": .bool(true)], condition: "state.reported.t > 20.0")
                let unmet = await #expect(throws: ThingError.self) {
                    try await shadow.update(desired: ["fan": .bool(false)], condition: "!exists")
                }
                guard case .shadowRefused(.shadowConditionFalse, _)? = unmet else {
                    Issue.record("\(String(describing: unmet))")
                    return
                }
                #expect(try await shadow.get()?.delta == ["fan": .bool(true)])
                #expect(try await shadow.delete(version: 2))
                #expect(try await shadow.get() == nil)
            }
        }
    }
}
