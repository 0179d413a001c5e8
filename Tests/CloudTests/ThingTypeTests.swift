import Foundation
import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

@testable import Cloud

/// Types and attributes of things, and what selectors find by them.
@Suite struct ThingTypeTests {
    private func set(
        _ cloud: RunningCloud, _ admin: ClientIdentity, _ name: String, _ attributes: [String: String] = [:],
        remove: [String] = [], type: String? = nil, replace: Bool = false
    ) async throws -> Hedgerow_Registry_V1_SetThingAttributesResponse {
        try await cloud.call(as: admin) { client in
            try await Registry(wrapping: client).setThingAttributes(
                .with {
                    $0.name = name
                    $0.attributes = attributes
                    $0.removeAttributes = remove
                    $0.replace = replace
                    if let type { $0.type = type }
                })
        }
    }

    private func list(
        _ cloud: RunningCloud, _ admin: ClientIdentity, _ selector: String, pageSize: UInt32 = 2
    ) async throws -> [String] {
        try await cloud.call(as: admin) { client in
            var names: [String] = []
            var token = ""
            repeat {
                let page = try await Registry(wrapping: client).listThings(
                    .with {
                        $0.selector = selector
                        $0.pageSize = pageSize
                        $0.pageToken = token
                    })
                names += page.things.map(\.name)
                token = page.nextPageToken
            } while !token.isEmpty && names.count < 1_000
            return names
        }
    }

    @Test func attributesAreSetKeptAndRemoved() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            try await cloud.create(admin, "a", type: "s", ["hall": "press", "x": "1"])
            let changed = try await set(cloud, admin, "a", ["hall": "paint", "y": "2"], remove: ["x"])
            #expect(changed.changed && changed.thing.attributes == ["hall": "paint", "y": "2"])
            #expect(changed.thing.type == "s")
            let same = try await set(cloud, admin, "a", ["hall": "paint"])
            #expect(!same.changed)
            let replaced = try await set(cloud, admin, "a", ["z": "3"], type: "", replace: true)
            #expect(replaced.thing.attributes == ["z": "3"] && replaced.thing.type == "")
            let none = try await refusal { try await set(cloud, admin, "nobody", ["a": "b"]) }
            #expect(none?.reason == .notFound)
            let both = try await refusal { try await set(cloud, admin, "a", ["k": "v"], remove: ["k"]) }
            #expect(both?.violations.map(\.field) == ["attributes[\"k\"]"])
        }
    }

    @Test func theRulesHoldHoweverAThingIsMade() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            try await cloud.create(admin, "a")
            let wrong = ["type": "x", "a b": "y", "long": String(repeating: "v", count: 257)]
            let fields = ["attributes[\"a b\"]", "attributes[\"long\"]", "attributes[\"type\"]"]
            let created = try await refusal { try await cloud.create(admin, "b", wrong) }
            #expect(created?.violations.map(\.field).sorted() == fields)
            let changed = try await refusal { try await set(cloud, admin, "a", wrong) }
            #expect(changed?.violations.map(\.field).sorted() == fields)
            let many = Dictionary(uniqueKeysWithValues: (0...50).map { ("k\($0)", "v") })
            let crowded = try await refusal { try await cloud.create(admin, "b", many) }
            #expect(crowded?.violations.map(\.field) == ["attributes"])
            // Set one by one they are counted together.
            _ = try await set(
                cloud, admin, "a", Dictionary(uniqueKeysWithValues: (0..<50).map { ("k\($0)", "v") }))
            let more = try await refusal { try await set(cloud, admin, "a", ["one": "more"]) }
            #expect(more?.violations.map(\.field) == ["attributes"])
        }
    }

    @Test func aTypeNamesItsAttributesAndStaysWhileItIsUsed() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            func put(_ attributes: [String: String]) async throws -> (Bool, Bool) {
                let reply = try await cloud.call(as: admin) { client in
                    try await Registry(wrapping: client).putThingType(
                        .with {
                            $0.type.name = "s"
                            $0.type.attributes = attributes
                        })
                }
                return (reply.created, reply.changed)
            }
            #expect(try await put(["hall": "Where"]) == (true, true))
            #expect(try await put(["hall": "Where"]) == (false, false))
            #expect(try await put(["hall": "Where it hangs"]) == (false, true))
            let typo = try await refusal { try await cloud.create(admin, "a", type: "s", ["hal": "x"]) }
            #expect(typo?.violations.first?.description.contains("did you mean \"hall\"?") == true)
            try await cloud.create(admin, "a", type: "s", ["hall": "x"])
            func delete() async throws {
                _ = try await cloud.call(as: admin) { client in
                    try await Registry(wrapping: client).deleteThingType(.with { $0.name = "s" })
                }
            }
            let used = try await refusal { try await delete() }
            #expect(used?.reason == .inUse && used?.message.contains("\"a\"") == true)
            _ = try await set(cloud, admin, "a", type: "other")
            try await delete()
            let gone = try await refusal { try await delete() }
            #expect(gone?.reason == .notFound)
        }
    }

    @Test func aListTakesASelectorPageByPage() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            for number in 0..<9 {
                try await cloud.create(
                    admin, "t\(number)", type: number.isMultiple(of: 2) ? "s" : "lamp",
                    ["hall": "h\(number % 3)"])
            }
            try await cloud.create(admin, "c", kind: .core, type: "s")
            #expect(try await list(cloud, admin, "type=s") == ["c", "t0", "t2", "t4", "t6", "t8"])
            #expect(try await list(cloud, admin, "type=s,hall in (h0,h1)") == ["t0", "t4", "t6"])
            #expect(try await list(cloud, admin, "name=t*,!type") == [])
            let wrong = try await refusal { try await list(cloud, admin, "type=") }
            #expect(wrong?.violations.map(\.field) == ["selector"])
            let token = try await cloud.call(as: admin) { client in
                try await Registry(wrapping: client).listThings(
                    .with {
                        $0.selector = "type=s"
                        $0.pageSize = 1
                    }
                ).nextPageToken
            }
            let foreign = try await refusal {
                try await cloud.call(as: admin) { client in
                    try await Registry(wrapping: client).listThings(
                        .with {
                            $0.selector = "type=lamp"
                            $0.pageToken = token
                        })
                }
            }
            #expect(foreign?.reason == .badPageToken)
        }
    }

    @Test func aRevisionHasNamesAndKeepsTheSelector() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            try await cloud.create(admin, "c", kind: .core)
            try await cloud.create(admin, "c2", kind: .core)
            for name in ["a", "b"] { try await cloud.create(admin, name, type: "s") }
            let text = """
                kind: Group
                name: g
                cores: [c]
                things: [{selector: 'type=s'}]
                subscriptions:
                  - {from: 'thing:{type=s}', topic: x, to: cloud}
                """
            let first = try await cloud.apply(admin, text)
            #expect(first.revision.things == ["a", "b"])
            #expect(first.revision.subscriptions.map(\.from) == ["thing:a", "thing:b"])
            #expect(first.revision.written.selectors == ["type=s"])
            #expect(first.revision.written.subscriptions.map(\.from) == ["thing:{type=s}"])
            #expect(try await !cloud.apply(admin, text).changed)
            // Not a member's business: a core of the type, another attribute.
            _ = try await set(cloud, admin, "c", type: "s")
            _ = try await set(cloud, admin, "a", ["hall": "x"])
            #expect(try await !cloud.apply(admin, text).changed)
            try await cloud.create(admin, "d", type: "s")
            _ = try await set(cloud, admin, "a", type: "other")
            let second = try await cloud.apply(admin, text)
            #expect(second.revision.revision == 2 && second.revision.things == ["b", "d"])
            // A thing of another group is left there, with a warning.
            let other = try await cloud.apply(
                admin, "kind: Group\nname: h\ncores: [c2]\nthings: [{selector: 'name=*'}]\n")
            #expect(other.revision.things == ["a"])
            #expect(other.warnings.count == 1 && other.warnings[0].contains("b (g), d (g)"))
        }
    }
}
