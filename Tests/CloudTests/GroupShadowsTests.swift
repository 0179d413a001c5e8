import Components
import Foundation
import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

@testable import Cloud

/// Shadows that groups name, in the cloud.
@Suite struct GroupShadowsTests {
    private func group(_ instance: String = "", _ more: String = "") -> String {
        """
        kind: Group
        name: g
        cores: [c]
        things: [t]
        components:
          - name: rain
            component: rain
            version: ^1.0
            \(instance)
        subscriptions:
          - {from: thing:t, topic: readings, to: component:rain}
          - {from: component:rain, topic: '#', to: cloud}
          - {from: component:rain, topic: $dead-letter/rain, to: cloud}
        \(more)

        """
    }

    private func program(_ access: String, version: String = "1.0.0") -> String {
        "kind: Component\nname: rain\nversion: \(version)\naccess: \(access)\nprocess: {run: [rain]}\n"
    }

    private static let transform =
        "kind: Component\nname: rain\nversion: 1.0.0\naccess: {shadows: write}\n"
        + "transform: [{shadow: {report: true}}, {publish: x}]\n"

    private func withGroup(
        recipe: String,
        _ body: @Sendable @escaping (RunningCloud, ClientIdentity, ClientIdentity) async throws -> Void
    ) async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let core = try await cloud.register(admin, .core, "c")
            _ = try await cloud.register(admin, .thing, "t")
            try await cloud.push(admin, recipe)
            try await body(cloud, admin, core)
        }
    }

    @Test func theyAreKeptAndToldToTheCore() async throws {
        try await withGroup(recipe: program("{shadows: write}")) { cloud, admin, core in
            let text = group(
                "shadows: [t]", "shadows: {sync: [{things: t, direction: toCloud, every: 60s}, '*'], home: c}"
            )
            let applied = try await cloud.apply(admin, text)
            #expect(applied.warnings == [])
            let revision = applied.revision
            #expect(revision.components[0].shadows == ["t"] && revision.shadows.home == "c")
            #expect(revision.shadows.sync.map(\.things) == ["t", "*"])
            #expect(revision.shadows.sync.map(\.direction) == [.toCloud, .both])
            #expect(revision.shadows.sync.map(\.interval.seconds) == [60, 0])
            #expect(!(try await cloud.apply(admin, text)).changed)
            #expect(try await cloud.group(admin, "g").newestRevision.shadows == revision.shadows)
            try await cloud.attach(core) { attached in
                attached.hello()
                _ = try await cloud.deploy(admin, "g")
                #expect(try await attached.assignment().revision.shadows == revision.shadows)
            }
            let changed = try await cloud.apply(admin, group("shadows: [t]", "shadows: {sync: ['*']}"))
            #expect(changed.changed)
        }
    }

    @Test func anInstanceThatRunsNoProgramWithShadowsNamesNone() async throws {
        for recipe in [program("{network: true}"), Self.transform] {
            try await withGroup(recipe: recipe) { cloud, admin, _ in
                let error = try await refusal { try await cloud.apply(admin, group("shadows: [t]")) }
                #expect(error?.code == .invalidArgument && error?.reason == .invalidDefinition)
                #expect(error?.violations.map { $0.field } == ["9:14"])
                #expect(
                    error?.violations.first?.description
                        == "component:rain runs rain 1.0.0, which is no program that uses shadows; add access: {shadows: read} to its recipe, or remove \"shadows\" here (a transform uses those of the thing of its reading)"
                )
                #expect(try await cloud.apply(admin, group()).warnings == [])
            }
        }
    }

    @Test func aProgramWithShadowsThatReachesNoneIsAWarning() async throws {
        try await withGroup(recipe: program("{shadows: read}")) { cloud, admin, _ in
            let warnings = try await cloud.apply(admin, group()).warnings
            #expect(
                warnings == [
                    "component:rain runs rain 1.0.0, whose program may read shadows, but reaches none; name their things, as in shadows: [t]"
                ])
        }
    }

    @Test func aNewVersionThatUsesNoShadowsIsRefusedWhenItIsDeployed() async throws {
        try await withGroup(recipe: program("{shadows: read}")) { cloud, admin, _ in
            _ = try await cloud.apply(admin, group("shadows: [t]"))
            try await cloud.push(admin, program("{}", version: "1.1.0"))
            let error = try await refusal { _ = try await cloud.deploy(admin, "g") }
            #expect(error?.reason == .invalidDefinition)
            #expect(error?.message.contains("component:rain runs rain 1.1.0") == true)
        }
    }
}
