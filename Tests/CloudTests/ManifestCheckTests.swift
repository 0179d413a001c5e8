import Foundation
import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

@testable import Cloud

extension RunningCloud {
    /// Asks what applying some files would do.
    func check(
        _ admin: ClientIdentity, _ files: String...
    ) async throws -> [Hedgerow_Registry_V1_CheckedManifest] {
        try await call(as: admin) { client in
            try await Registry(wrapping: client).checkManifests(
                .with { $0.files = files.map { text in .with { $0.text = text } } }
            ).manifests
        }
    }

    /// Registers a thing with type and attributes.
    func create(
        _ admin: ClientIdentity, _ name: String, kind: Hedgerow_Registry_V1_ThingKind = .thing,
        type: String = "", _ attributes: [String: String] = [:]
    ) async throws {
        _ = try await call(as: admin) { client in
            try await Registry(wrapping: client).createThing(
                .with {
                    $0.name = name
                    $0.kind = kind
                    $0.type = type
                    $0.attributes = attributes
                })
        }
    }
}

/// Manifests of every kind, checked together in the cloud.
@Suite struct ManifestCheckTests {
    private static let fleet = """
        kind: Group
        name: g
        cores: [c]
        things: [{selector: 'type=sensor'}]
        components:
          - {name: smooth, version: ^1.0}
        subscriptions:
          - {from: "thing:{type=sensor}", topic: raw/#, to: "component:smooth"}
          - {from: "component:smooth", topic: out/#, to: cloud}
          - {from: "component:smooth", topic: $dead-letter/smooth, to: cloud}
        ---
        kind: Thing
        name: s-1
        type: sensor
        ---
        kind: Thing
        name: c
        core: true
        ---
        kind: ThingType
        name: sensor
        attributes: {hall: Where it hangs}
        """

    @Test func everythingIsCheckedAsIfWhatItNeedsWereThereAndNothingIsMade() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let checked = try await cloud.check(admin, Self.fleet, recipe("smooth", "1.2.0"))
            #expect(checked.map(\.change) == [.created, .created, .created, .created, .created])
            #expect(checked.map(\.file) == [0, 0, 0, 0, 1])
            #expect(checked.map(\.line) == [1, 12, 16, 20, 1])
            #expect(checked[0].lock.map(\.version) == ["1.2.0"])
            #expect(checked[0].revision == 1 && checked[0].liveRevision == 0)
            let things = checked[0].differences.filter { $0.section == "things" }
            #expect(things.map(\.subject) == ["{selector: type=sensor}", "s-1"])
            #expect(things.last?.to == "by selector")
            // Nothing was made.
            let (all, groups) = try await cloud.call(as: admin) { client in
                let registry = Registry(wrapping: client)
                return (
                    try await registry.listThings(.init()).things.count,
                    try await registry.listGroups(.init()).groups.count
                )
            }
            #expect(all == 0 && groups == 0)
            #expect(try await cloud.components(admin).isEmpty)
        }
    }

    @Test func whatIsThereAlreadyIsUnchangedAndTheRestIsSaidPartByPart() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            try await cloud.create(admin, "c", kind: .core)
            try await cloud.create(admin, "s-1", type: "sensor", ["hall": "press"])
            try await cloud.push(admin, recipe("smooth", "1.0.0"))
            let group = String(Self.fleet.split(separator: "---\n")[0])
            try await cloud.apply(admin, group)
            let same = try await cloud.check(admin, group, recipe("smooth", "1.0.0"))
            #expect(same.map(\.change) == [.unchanged, .unchanged])
            #expect(same.allSatisfy { $0.differences.isEmpty })
            // Another thing of the type makes another revision of the same file.
            try await cloud.create(admin, "s-2", type: "sensor")
            let grown = try await cloud.check(admin, group)
            #expect(grown.map(\.change) == [.changed])
            #expect(grown[0].liveRevision == 1 && grown[0].revision == 2)
            #expect(grown[0].differences.map(\.subject) == ["s-2"])
            let thing = try await cloud.check(
                admin, "kind: Thing\nname: s-1\ntype: other\nattributes: {floor: '2'}\n")
            #expect(thing[0].change == .changed)
            #expect(thing[0].differences.map(\.section) == ["type", "attributes", "attributes"])
        }
    }

    @Test func everyErrorNamesFileLineAndColumn() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            try await cloud.push(admin, recipe("smooth", "1.0.0"))
            try await cloud.create(admin, "c", kind: .core)
            let other = recipe("smooth", "1.0.0", description: "another")
            let wrong = try await refusal {
                try await cloud.check(
                    admin, "kind: Thing\nname: a\n---\nkind: Thing\nname: c\n", other)
            }
            #expect(wrong?.violations.map(\.field) == ["1:1:1", "0:4:1"])
            #expect(wrong?.reason == .alreadyExists)
            let group = try await refusal {
                try await cloud.check(
                    admin, "kind: Thing\nname: a\n",
                    "kind: Thing\nname: b\n---\nkind: Group\nname: g\ncores: [c]\nthings: [a, nobody]\n"
                        + "components: [{name: smooth, version: ^2}]\n")
            }
            #expect(group?.violations.map(\.field).sorted() == ["1:7:13", "1:8:38"])
            let syntax = try await refusal {
                try await cloud.check(admin, "kind: Thing\n", "kind: Group\nnam: g\n")
            }
            #expect(syntax?.reason == .invalidDefinition)
            #expect(syntax?.violations.first?.field == "0:1:1")
            let twice = try await refusal {
                try await cloud.check(admin, "kind: Thing\nname: x\n", "kind: Thing\nname: x\n")
            }
            #expect(twice?.violations.map(\.field) == ["1:1:1"])
        }
    }

    @Test func anAliasMayPointAtWhatTheSameFilesRegister() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            try await cloud.push(admin, recipe("smooth", "1.0.0"))
            try await cloud.create(admin, "c", kind: .core)
            try await cloud.create(admin, "t")
            @Sendable func alias(_ version: String, _ name: String = "live") -> String {
                "kind: Alias\ncomponent: smooth\nname: \(name)\nversion: \(version)\n"
            }
            // The order of the documents does not matter.
            let files = [group(version: "@live"), alias("1.1.0"), recipe("smooth", "1.1.0")]
            let checked = try await cloud.check(admin, files[0], files[1], files[2])
            #expect(checked.map(\.change) == [.created, .created, .created])
            #expect(checked[0].lock.map(\.version) == ["1.1.0"])
            #expect(checked[1].differences.map(\.to) == ["1.1.0"])
            // Nothing was made.
            #expect(
                try await refusal { try await cloud.apply(admin, group(version: "@live"), dryRun: true) }?
                    .reason
                    == .unresolvedComponent)

            // Moved, and not moved.
            try await cloud.push(admin, recipe("smooth", "1.1.0"))
            _ = try await cloud.call(as: admin) { client in
                try await Registry(wrapping: client).setComponentAlias(
                    .with {
                        $0.component = "smooth"
                        $0.alias = "live"
                        $0.version = "1.1.0"
                    })
            }
            try await cloud.apply(admin, group(version: "@live"))
            let same = try await cloud.check(admin, files[0], files[1])
            #expect(same.map(\.change) == [.unchanged, .unchanged])
            let moved = try await cloud.check(admin, files[0], alias("1.0.0"))
            #expect(moved.map(\.change) == [.unchanged, .changed])
            #expect(moved[0].lock.map(\.version) == ["1.0.0"])
            #expect(moved[1].differences.map(\.from) == ["1.1.0"])

            let unknown = try await refusal {
                try await cloud.check(admin, "kind: Thing\nname: x\n---\n" + alias("9.0.0"))
            }
            #expect(unknown?.violations.map(\.field) == ["0:4:1"])
            #expect(unknown?.message.contains("component \"smooth\" has no version 9.0.0") == true)
            let many = (1...SQLiteComponentLabels.maximumAliases).map { alias("1.0.0", "a\($0)") }
            let full = try await refusal {
                try await cloud.check(admin, many.joined(separator: "---\n"))
            }
            // One is there already.
            #expect(full?.violations.count == 1)
            #expect(full?.message.contains("no more are kept") == true)
        }
    }

    @Test func typesSayWhichAttributesThereAre() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let type = "kind: ThingType\nname: sensor\nattributes: {hall: Where it hangs}\n"
            let wrong = try await refusal {
                try await cloud.check(
                    admin, type, "kind: Thing\nname: a\ntype: sensor\nattributes: {hal: x}\n")
            }
            #expect(wrong?.violations.map(\.field) == ["1:1:1"])
            #expect(wrong?.message.contains("did you mean \"hall\"") == true)
        }
    }

    @Test func limitsHold() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let none = try await refusal {
                try await cloud.call(as: admin) { client in
                    try await Registry(wrapping: client).checkManifests(.init())
                }
            }
            #expect(none?.violations.map(\.field) == ["files"])
            let large = "# " + String(repeating: "x", count: (3 << 20)) + "\nkind: Thing\nname: a\n"
            let refused = try await refusal { try await cloud.check(admin, large) }
            #expect(refused?.violations.map(\.field) == ["files"])
        }
    }
}
