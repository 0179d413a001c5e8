import Components
import Foundation
import GRDB
import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing
import Transforms

@testable import EdgeCore

@Suite("Deployments with components", .timeLimit(.minutes(3)))
struct ComponentDeploymentTests {
    /// A recipe without expressions.
    private static func recipe(_ name: String, _ version: String, topic: String = "out/x") -> String {
        """
        kind: Component
        name: \(name)
        version: \(version)
        transform:
          - keep: [temperature]
          - publish: \(topic)
        """
    }

    /// A revision with instances as (name, component, version), each given everything and leading to the cloud.
    private static func revision(
        _ number: UInt64, _ instances: [(String, String, String)], digests: [String: Data]
    ) -> Hedgerow_Type_V1_GroupRevision {
        var revision = FakeCloud.revision(number, things: ["a"])
        for (name, component, version) in instances {
            revision.components.append(
                .with {
                    $0.name = name
                    $0.component = component
                    $0.version = "^1.0.0"
                })
            revision.lock.append(
                .with {
                    $0.instance = name
                    $0.component = component
                    $0.version = version
                    $0.recipeDigest = digests["\(component)@\(version)"] ?? Data(count: 32)
                })
            revision.subscribe(name)
        }
        return revision
    }

    /// Registers versions of the component "smooth"; returns their digests.
    private func register(_ cloud: FakeCloud, _ versions: String...) -> [String: Data] {
        var digests: [String: Data] = [:]
        for version in versions {
            digests["smooth@\(version)"] = cloud.register(
                recipe: Self.recipe("smooth", version), component: "smooth", version: version)
        }
        return digests
    }

    private func report(
        _ cloud: FakeCloud, _ id: String
    ) async throws -> Hedgerow_Deployment_V1_DeploymentReport {
        try await eventually("the end of \(id)") {
            cloud.reports(id).last.map { $0.status != .inProgress } ?? false
        }
        return try #require(cloud.reports(id).last)
    }

    private func stored(_ core: CoreServer) async throws -> [String] {
        try await core.parts.database.read { db in
            try String.fetchAll(db, sql: "SELECT component || '@' || version FROM recipe ORDER BY 1")
        }
    }

    @Test("recipes are fetched once, checked, kept for two revisions, and compiled again without the cloud")
    func staging() async throws {
        try await CoreHarness.with { harness in
            let cloud = harness.cloud
            let digests = register(cloud, "1.0.0", "1.1.0", "1.2.0")
            let two = Self.revision(
                2, [("i", "smooth", "1.1.0"), ("j", "smooth", "1.1.0")], digests: digests)
            try await harness.runDeployed(things: ["a"]) { core, _ in
                let one = Self.revision(1, [("i", "smooth", "1.0.0")], digests: digests)
                cloud.deploy(one, id: "c-1")
                #expect(try await report(cloud, "c-1").status == .succeeded)
                #expect(core.revision.running?.components["i"]?.version == "1.0.0")
                #expect(cloud.recipeRequests == ["smooth@1.0.0"])

                // The same again changes nothing; another lock of the same revision does.
                cloud.deploy(one, id: "c-1b")
                #expect(try await report(cloud, "c-1b").reason.contains("already"))
                cloud.deploy(Self.revision(1, [("i", "smooth", "1.1.0")], digests: digests), id: "c-1c")
                #expect(try await report(cloud, "c-1c").status == .succeeded)
                #expect(core.revision.running?.components["i"]?.version == "1.1.0")
                #expect(try await stored(core) == ["smooth@1.0.0", "smooth@1.1.0"])

                // What lies here is not fetched again; what neither this revision nor the last one needs goes.
                cloud.deploy(two, id: "c-2")
                #expect(try await report(cloud, "c-2").status == .succeeded)
                #expect(core.revision.running?.components.count == 2)
                #expect(cloud.recipeRequests == ["smooth@1.0.0", "smooth@1.1.0"])
                #expect(try await stored(core) == ["smooth@1.1.0"])
                let statuses = { cloud.componentStatuses.last?.map(\.instance) }
                try await eventually("a report of the components") { statuses()?.first == "i" }
            }
            try await harness.run { core in
                _ = try await core.listeningPort()
                #expect(core.revision.current == two)
                #expect(core.revision.running?.unusable.isEmpty == true)
                #expect(core.revision.running?.components.keys.sorted() == ["i", "j"])
            }
        }
    }

    @Test(
        "a deployment that cannot be prepared fails with instance, component and cause, and changes nothing")
    func failures() async throws {
        try await CoreHarness.with { harness in
            let cloud = harness.cloud
            var digests = register(cloud, "1.0.0", "1.1.0")
            digests["broken@1.0.0"] = cloud.register(
                recipe: "kind: Component\nname: broken\nversion: 1.0.0\ntransform:\n  - wheer: x\n",
                component: "broken", version: "1.0.0")
            digests["other@1.0.0"] = cloud.register(
                recipe: Self.recipe("smooth", "1.0.0"), component: "other", version: "1.0.0")
            try await harness.runDeployed(things: ["a"], configure: { $0.timing.fetch = .seconds(8) }) {
                core, _ in
                let before = core.revision.current
                func fails(
                    _ id: String, _ revision: Hedgerow_Type_V1_GroupRevision, _ words: String...
                ) async throws {
                    cloud.deploy(revision, id: id)
                    let report = try await report(cloud, id)
                    #expect(report.status == .failed)
                    for word in words { #expect(report.reason.contains(word), "\(report.reason)") }
                    #expect(core.revision.current == before)
                    #expect(try await stored(core).isEmpty)
                }
                try await fails(
                    "missing", Self.revision(2, [("i", "smooth", "1.9.0")], digests: digests), "\"i\"",
                    "smooth 1.9.0", "there is no component smooth@1.9.0")
                try await fails(
                    "digest",
                    Self.revision(2, [("i", "smooth", "1.0.0")], digests: ["smooth@1.0.0": Data(count: 32)]),
                    "\"i\"", "smooth 1.0.0", "SHA-256")
                try await fails(
                    "recipe", Self.revision(2, [("i", "broken", "1.0.0")], digests: digests), "\"i\"",
                    "broken 1.0.0", "wheer")
                try await fails(
                    "name", Self.revision(2, [("i", "other", "1.0.0")], digests: digests), "\"i\"",
                    "smooth 1.0.0")
                var unlocked = Self.revision(2, [("i", "smooth", "1.0.0")], digests: digests)
                unlocked.lock = []
                try await fails("lock", unlocked, "\"i\"", "not resolved")
                var strange = Self.revision(2, [("i", "smooth", "1.0.0")], digests: digests)
                strange.lock[0].version = "2.0.0"
                try await fails("range", strange, "smooth 2.0.0")
                strange.lock[0].version = "1.0"
                try await fails("version", strange, "lock[0].version")
                strange = Self.revision(2, [("i", "smooth", "1.0.0")], digests: digests)
                strange.lock.append(strange.lock[0])
                try await fails("twice", strange, "twice")

                // It is tried again and again until the stage's deadline.
                let away = RPCError(code: .unavailable, message: "away")
                cloud.failRecipes(Array(repeating: away, count: 1_000))
                try await fails(
                    "unreachable", Self.revision(2, [("i", "smooth", "1.0.0")], digests: digests),
                    "stage fetch", "could not be fetched")
                cloud.failRecipes([away, away])
                cloud.deploy(Self.revision(2, [("i", "smooth", "1.0.0")], digests: digests), id: "ok")
                #expect(try await report(cloud, "ok").status == .succeeded)
            }
        }
    }

    @Test("a cloud that does not answer is given up, and a newer deployment does not wait for it")
    func preemption() async throws {
        try await CoreHarness.with { harness in
            let cloud = harness.cloud
            let digests = register(cloud, "1.0.0")
            try await harness.runDeployed(things: ["a"], configure: { $0.timing.recipe = .seconds(30) }) {
                core, _ in
                cloud.setSilentAboutRecipes(true)
                cloud.deploy(Self.revision(2, [("i", "smooth", "1.0.0")], digests: digests), id: "slow")
                try await eventually("a request") { !cloud.recipeRequests.isEmpty }
                cloud.deploy(FakeCloud.revision(3, things: ["a", "b"]), id: "next")
                #expect(try await report(cloud, "next").status == .succeeded)
                #expect(core.revision.current?.revision == 3)
                let slow = cloud.reports("slow")
                #expect(slow.last?.status == .canceled && slow.last?.reason.contains("next") == true)
                #expect(slow.first?.status == .inProgress && slow.first?.stage == .fetch)
                cloud.setSilentAboutRecipes(false)
                cloud.deploy(Self.revision(4, [("i", "smooth", "1.0.0")], digests: digests), id: "again")
                #expect(try await report(cloud, "again").status == .succeeded)
            }
        }
    }

    @Test("a recipe that the disk damaged stops its instance only, and is fetched again")
    func damagedRecipe() async throws {
        try await CoreHarness.with { harness in
            let cloud = harness.cloud
            let digests = register(cloud, "1.0.0")
            let revision = Self.revision(1, [("i", "smooth", "1.0.0")], digests: digests)
            try await harness.runDeployed(things: ["a"]) { core, _ in
                cloud.deploy(revision, id: "c-1")
                #expect(try await report(cloud, "c-1").status == .succeeded)
                try await core.parts.database.write {
                    try $0.execute(sql: "UPDATE recipe SET text = text || '#'")
                }
            }
            try await harness.run { core in
                _ = try await core.listeningPort()
                let problem = try #require(core.revision.running?.components["i"]?.problem)
                #expect(problem.contains("smooth 1.0.0") && problem.contains("SHA-256"), "\(problem)")
                #expect(core.revision.current == revision)
                try await harness.cloud.run { _ in
                    try await eventually("a repair") { core.revision.running?.unusable.isEmpty == true }
                }
                #expect(core.revision.running?.revision == revision)
                #expect(core.revision.deploymentID == "c-1")
            }
            #expect(cloud.reports("c-1").last?.status == .succeeded)
            try await harness.run { core in
                _ = try await core.listeningPort()
                #expect(core.revision.running?.unusable.isEmpty == true)
                try await core.parts.database.write { try $0.execute(sql: "DELETE FROM recipe") }
            }
            try await harness.run { core in
                _ = try await core.listeningPort()
                let problem = core.revision.running?.components["i"]?.problem
                #expect(problem?.contains("missing") == true)
            }
        }
    }
}
