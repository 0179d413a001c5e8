import Foundation
import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

@testable import Cloud

/// Aliases and deprecation: what a resolution makes of them, and what is kept.
@Suite struct ComponentLabelTests {
    private func withFleet(
        _ body: @Sendable @escaping (_ cloud: RunningCloud, _ admin: ClientIdentity) async throws -> Void
    ) async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            _ = try await cloud.register(admin, .core, "c")
            _ = try await cloud.register(admin, .thing, "t")
            for version in ["1.0.0", "1.1.0", "1.2.0"] {
                try await cloud.push(admin, recipe("smooth", version))
            }
            try await body(cloud, admin)
        }
    }

    @discardableResult
    private func alias(
        _ cloud: RunningCloud, _ admin: ClientIdentity, _ alias: String, _ version: String
    ) async throws -> Hedgerow_Registry_V1_SetComponentAliasResponse {
        try await cloud.call(as: admin) { client in
            try await Registry(wrapping: client).setComponentAlias(
                .with {
                    $0.component = "smooth"
                    $0.alias = alias
                    $0.version = version
                })
        }
    }

    private func deprecate(
        _ cloud: RunningCloud, _ admin: ClientIdentity, _ version: String, _ reason: String,
        undo: Bool = false
    ) async throws {
        _ = try await cloud.call(as: admin) { client in
            try await Registry(wrapping: client).deprecateComponent(
                .with {
                    $0.component = "smooth"
                    $0.version = version
                    $0.reason = reason
                    $0.undo = undo
                })
        }
    }

    @Test func anAliasIsFollowedWhenItIsResolvedAndMovingItDeploysNothing() async throws {
        try await withFleet { cloud, admin in
            let unknown = try await refusal { try await cloud.apply(admin, group(version: "@live")) }
            #expect(unknown?.reason == .unresolvedComponent)
            #expect(unknown?.message.contains("smooth has no such alias") == true)
            #expect(unknown?.violations.first?.field.hasPrefix("6:") == true)
            try await alias(cloud, admin, "live", "1.0.0")
            let near = try await refusal { try await cloud.apply(admin, group(version: "@lve")) }
            #expect(near?.message.contains("did you mean @live?") == true)

            let applied = try await cloud.apply(admin, group(version: "@live"))
            #expect(applied.lock.map(\.version) == ["1.0.0"])
            #expect(applied.revision.components.map(\.version) == ["@live"])
            let first = try await cloud.deploy(admin, "g")
            #expect(first.lock.map(\.version) == ["1.0.0"])

            let moved = try await alias(cloud, admin, "live", "1.2.0")
            #expect(moved.fromVersion == "1.0.0" && moved.alias.version == "1.2.0")
            #expect(try await cloud.deployment(admin, first.id).lock.map(\.version) == ["1.0.0"])
            let same = try await cloud.apply(admin, group(version: "@live"))
            #expect(!same.changed && same.lock.map(\.version) == ["1.2.0"])
            #expect(try await cloud.deploy(admin, "g").lock.map(\.version) == ["1.2.0"])
        }
    }

    @Test func whatACoreGetsNamesTheVersionAndNotTheAlias() async throws {
        try await withFleet { cloud, admin in
            try await alias(cloud, admin, "live", "1.1.0")
            try await cloud.apply(admin, group(version: "@live"))
            let deployment = try await cloud.deploy(admin, "g")
            let stored = try await cloud.server.context.registry.revision(RevisionID(group: "g", number: 1))
            let lock = try await cloud.server.context.deployments.deployment(id: deployment.id)?.lock ?? []
            let sent = Hedgerow_Type_V1_GroupRevision(try #require(stored), lock: lock)
            #expect(sent.components.map(\.version) == ["1.1.0"])
        }
    }

    @Test func everyMoveIsKeptWithWhoAndAnAliasInUseStays() async throws {
        try await withFleet { cloud, admin in
            for version in ["1.0.0", "1.1.0", "1.1.0", "1.2.0"] {
                try await alias(cloud, admin, "live", version)
            }
            try await alias(cloud, admin, "next", "1.2.0")
            let moves = try await cloud.call(as: admin) { client in
                var all: [Hedgerow_Registry_V1_ComponentAliasMove] = []
                var token = ""
                repeat {
                    let page = try await Registry(wrapping: client).listComponentAliasMoves(
                        .with {
                            $0.component = "smooth"
                            $0.pageSize = 2
                            $0.pageToken = token
                        })
                    all += page.moves
                    token = page.nextPageToken
                } while !token.isEmpty && all.count < 100
                return all
            }
            #expect(moves.map(\.alias) == ["next", "live", "live", "live"], "a move to where it is, is none")
            #expect(moves.map(\.fromVersion) == ["", "1.1.0", "1.0.0", ""])
            #expect(moves.map(\.toVersion) == ["1.2.0", "1.2.0", "1.1.0", "1.0.0"])
            #expect(moves.allSatisfy { !$0.author.isEmpty && $0.hasMoveTime })
            let shown = try await cloud.component(admin, "smooth", "1.2.0").component
            #expect(shown.aliases == ["live", "next"])

            try await cloud.apply(admin, group(version: "@live"))
            func remove(_ name: String) async throws {
                _ = try await cloud.call(as: admin) { client in
                    try await Registry(wrapping: client).deleteComponentAlias(
                        .with {
                            $0.component = "smooth"
                            $0.alias = name
                        })
                }
            }
            let used = try await refusal { try await remove("live") }
            #expect(
                used?.reason == .inUse && used?.message.contains("group \"g\" wants smooth @live") == true)
            try await remove("next")
            let gone = try await refusal { try await remove("next") }
            #expect(gone?.reason == .notFound)
            let aliases = try await cloud.call(as: admin) { client in
                try await Registry(wrapping: client).listComponentAliases(.init()).aliases
            }
            #expect(aliases.map(\.alias) == ["live"])
            let unknown = try await refusal { try await alias(cloud, admin, "live", "9.0.0") }
            #expect(unknown?.reason == .notFound)
            let name = try await refusal { try await alias(cloud, admin, "a b", "1.0.0") }
            #expect(name?.violations.map(\.field) == ["alias"])
        }
    }

    @Test func aDeprecatedVersionIsTakenOnlyWhereNothingElseFitsAndSaysWhy() async throws {
        try await withFleet { cloud, admin in
            try await deprecate(cloud, admin, "1.2.0", "wrong below zero")
            let range = try await cloud.apply(admin, group())
            #expect(range.lock.map(\.version) == ["1.1.0"] && range.warnings.isEmpty)
            let only = try await cloud.apply(admin, group(version: "~1.2.0"))
            #expect(only.lock.map(\.version) == ["1.2.0"])
            #expect(
                only.warnings == ["component:smooth runs smooth 1.2.0, which is deprecated: wrong below zero"]
            )
            let exact = try await cloud.apply(admin, group(version: "1.2.0"))
            #expect(exact.lock.map(\.version) == ["1.2.0"] && exact.warnings.count == 1)
            try await alias(cloud, admin, "live", "1.2.0")
            let named = try await cloud.apply(admin, group(version: "@live"))
            #expect(named.lock.map(\.version) == ["1.2.0"] && named.warnings.count == 1)
            #expect(
                try await cloud.component(admin, "smooth", "1.2.0").component.deprecationReason
                    == "wrong below zero")
            let deployed = try await cloud.call(as: admin) { client in
                try await Deployments(wrapping: client).createDeployment(.with { $0.group = "g" })
            }
            #expect(
                deployed.deployment.lock.map(\.version) == ["1.2.0"] && deployed.warnings == only.warnings)
            try await deprecate(cloud, admin, "1.2.0", "", undo: true)
            #expect(try await cloud.apply(admin, group()).lock.map(\.version) == ["1.2.0"])
            let silent = try await refusal { try await deprecate(cloud, admin, "1.2.0", "") }
            #expect(silent?.violations.map(\.field) == ["reason"])
        }
    }
}
