import Foundation
import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

@testable import Cloud

/// Things and groups, over real TLS.
@Suite struct RegistryTests {
    private static func create(
        _ cloud: RunningCloud, _ admin: ClientIdentity, _ name: String, id: String = "",
        kind: Hedgerow_Registry_V1_ThingKind = .thing, attributes: [String: String] = [:]
    ) async throws -> Hedgerow_Registry_V1_Thing {
        try await cloud.call(as: admin) { client in
            try await Registry(wrapping: client).createThing(
                .with {
                    $0.requestID = id
                    $0.name = name
                    $0.kind = kind
                    $0.attributes = attributes
                }
            ).thing
        }
    }

    @Test func creatingIsIdempotentByRequestID() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let first = try await Self.create(cloud, admin, "a", id: "r1", attributes: ["x": "1"])
            let repeated = try await Self.create(cloud, admin, "a", id: "r1", attributes: ["x": "1"])
            #expect(first == repeated)
            let other = try await refusal { try await Self.create(cloud, admin, "b", id: "r1") }
            #expect(other?.reason == .invalidField)
            #expect(other?.violations.map(\.field) == ["request_id"])
            let taken = try await refusal { try await Self.create(cloud, admin, "a", id: "r2") }
            #expect(taken?.reason == .alreadyExists)
            // Things and cores share one name space.
            let core = try await refusal { try await Self.create(cloud, admin, "a", kind: .core) }
            #expect(core?.reason == .alreadyExists)
        }
    }

    @Test func everythingThatIsWrongWithARequestIsSaidAtOnce() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let error = try await refusal {
                try await Self.create(
                    cloud, admin, "not a name", id: String(repeating: "x", count: 65),
                    attributes: ["k": String(repeating: "v", count: 257)])
            }
            #expect(error?.code == .invalidArgument)
            #expect(error?.violations.map(\.field) == ["request_id", "name", "attributes[\"k\"]"])
        }
    }

    @Test func listsComeInPagesByNameAndTokensBelongToTheirList() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            for name in ["c", "a", "b", "e", "d"] { _ = try await Self.create(cloud, admin, name) }
            _ = try await Self.create(cloud, admin, "core", kind: .core)
            let (names, token) = try await cloud.call(as: admin) { client in
                var names: [String] = []
                var token = ""
                var firstToken = ""
                repeat {
                    let page = try await Registry(wrapping: client).listThings(
                        .with {
                            $0.kind = .thing
                            $0.pageSize = 2
                            $0.pageToken = token
                        })
                    #expect(page.things.count <= 2)
                    names += page.things.map(\.name)
                    token = page.nextPageToken
                    if firstToken.isEmpty { firstToken = token }
                } while !token.isEmpty
                return (names, firstToken)
            }
            #expect(names == ["a", "b", "c", "d", "e"])
            let error = try await refusal {
                try await cloud.call(as: admin) { client in
                    try await Registry(wrapping: client).listThings(
                        .with {
                            $0.kind = .core
                            $0.pageToken = token
                        })
                }
            }
            #expect(error?.reason == .badPageToken)
            #expect(error?.code == .outOfRange)
            let size = try await refusal {
                try await cloud.call(as: admin) { client in
                    try await Registry(wrapping: client).listThings(.with { $0.pageSize = 1_001 })
                }
            }
            #expect(size?.reason == .invalidField)
        }
    }

    @Test func aThingInUseCannotBeDeleted() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            _ = try await Self.create(cloud, admin, "t")
            _ = try await Self.create(cloud, admin, "c", kind: .core)
            try await cloud.apply(admin, "{kind: Group, name: g, cores: [c], things: [t]}")
            let error = try await refusal {
                try await cloud.call(as: admin) { client in
                    try await Registry(wrapping: client).deleteThing(.with { $0.name = "t" })
                }
            }
            #expect(error?.reason == .inUse)
            #expect(error?.message.contains("\"g\"") == true)
            try await cloud.apply(admin, "{kind: Group, name: g, cores: [c]}")
            try await cloud.call(as: admin) { client in
                let registry = Registry(wrapping: client)
                _ = try await registry.deleteThing(.with { $0.name = "t" })
                let gone = try await refusal { try await registry.getThing(.with { $0.name = "t" }) }
                #expect(gone?.reason == .notFound)
            }
        }
    }

    @Test func revisionsCountUpAndTheSameDefinitionChangesNothing() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            for name in ["t1", "t2"] { _ = try await Self.create(cloud, admin, name) }
            _ = try await Self.create(cloud, admin, "c", kind: .core)
            let one = "{kind: Group, name: g, cores: [c], things: [t1, t2]}"
            let dry = try await cloud.apply(admin, one, dryRun: true)
            #expect(dry.changed && dry.created && dry.revision.revision == 1)
            let first = try await cloud.apply(admin, one)
            #expect(first.changed && first.created && first.revision.revision == 1)
            #expect(first.revision.streams.map(\.name) == ["default"])
            let same = try await cloud.apply(admin, "{kind: Group, name: g, cores: [c], things: [t2, t1]}")
            #expect(!same.changed && !same.created && same.revision.revision == 1)
            let second = try await cloud.apply(
                admin,
                "{kind: Group, name: g, cores: [c], subscriptions: [{from: cloud, topic: cmd/#, to: 'thing:*'}]}"
            )
            #expect(second.changed && !second.created && second.revision.revision == 2)

            let group = try await cloud.call(as: admin) { client in
                try await Registry(wrapping: client).getGroup(.with { $0.name = "g" }).group
            }
            #expect(group.newestRevision == second.revision)
            #expect(group.authorities.map(\.signing) == [true])
            #expect(group.cores.map(\.core) == ["c"])
            let thing = try await cloud.call(as: admin) { client in
                try await Registry(wrapping: client).getThing(.with { $0.name = "t1" }).thing
            }
            #expect(thing.group.isEmpty)
        }
    }

    @Test func namesOfADefinitionMustBeRegisteredAndInNoOtherGroup() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            _ = try await Self.create(cloud, admin, "t")
            _ = try await Self.create(cloud, admin, "c", kind: .core)
            let wrong = try await refusal {
                try await cloud.apply(admin, "{kind: Group, name: g, cores: [t], things: [absent]}")
            }
            #expect(wrong?.reason == .invalidDefinition)
            #expect(wrong?.violations.map(\.field) == ["1:32", "1:45"])
            try await cloud.apply(admin, "{kind: Group, name: g, cores: [c], things: [t]}")
            let other = try await refusal {
                try await cloud.apply(admin, "{kind: Group, name: h, cores: [c], things: [t]}")
            }
            #expect(other?.violations.count == 2)
            #expect(other?.message.contains("\"g\"") == true)
            // A group that was refused left nothing behind.
            let groups = try await cloud.call(as: admin) { client in
                try await Registry(wrapping: client).listGroups(.init()).groups
            }
            #expect(groups.map(\.name) == ["g"])
            let keys = try FileManager.default.contentsOfDirectory(atPath: cloud.state + "/pki")
            #expect(keys.filter { $0.hasPrefix("group-") }.count == 1)
        }
    }

    @Test func errorsOfADefinitionSayLineAndColumn() async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let error = try await refusal {
                try await cloud.apply(admin, "kind: Group\nname: g\ncores: [c]\nthingz: [t]\n")
            }
            #expect(error?.reason == .invalidDefinition)
            #expect(error?.violations.map(\.field) == ["4:1"])
            #expect(error?.message.contains("things") == true)
        }
    }
}
