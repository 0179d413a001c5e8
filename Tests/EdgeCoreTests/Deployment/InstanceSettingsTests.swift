import Components
import Foundation
import HedgerowAPI
import SwiftProtobuf
import TestSupport
import Testing
import Transforms

@testable import EdgeCore

/// Configuration and environment of instances on a core.
@Suite("Instances with settings of their own", .timeLimit(.minutes(3)))
struct InstanceSettingsTests {
    private static func recipe(_ name: String, _ more: String = "") -> String {
        """
        kind: Component
        name: \(name)
        version: 1.0.0
        configuration: {high: 80.0}
        \(more)
        transform:
          - set: {high: configuration.high, hall: environment.HALL}
          - publish: out/x
        """
    }

    private typealias Settings = (merge: String, environment: [String: String])

    /// A revision with the instances one and two of a component, and one that depends on them.
    private static func revision(
        _ number: UInt64, _ cloud: FakeCloud, one: Settings, two: Settings
    ) -> Hedgerow_Type_V1_GroupRevision {
        var revision = FakeCloud.revision(number, things: ["a"])
        let recipes = [
            "limit": recipe("limit"), "follower": recipe("follower", "dependencies: {limit: ^1.0}"),
            "other": recipe("other"),
        ]
        let instances: [(String, String, Settings)] = [
            ("one", "limit", one), ("two", "other", two), ("follower", "follower", ("", [:])),
        ]
        for (name, component, settings) in instances {
            let digest = cloud.register(
                recipe: recipes[component] ?? "", component: component, version: "1.0.0")
            revision.components.append(
                .with {
                    $0.name = name
                    $0.component = component
                    $0.version = "^1.0.0"
                    if !settings.merge.isEmpty { $0.configuration.merge = settings.merge }
                    $0.environment = settings.environment
                })
            revision.lock.append(
                .with {
                    $0.instance = name
                    $0.component = component
                    $0.version = "1.0.0"
                    $0.recipeDigest = digest
                })
            revision.subscribe(name)
        }
        return revision
    }

    private func deploy(
        _ revision: Hedgerow_Type_V1_GroupRevision, _ id: String, _ cloud: FakeCloud
    ) async throws -> Hedgerow_Deployment_V1_DeploymentReport {
        cloud.deploy(revision, id: id)
        try await eventually(
            "the end of \(id)",
            holds: { cloud.reports(id).last.map { $0.status != .inProgress } ?? false })
        return try #require(cloud.reports(id).last)
    }

    /// Lets each instance take ten messages.
    private func feed(_ core: CoreServer) throws {
        let running = try #require(core.revision.running)
        for component in running.components.values {
            var tally = ComponentTally(component, generation: running.number)
            tally.input = 10
            core.parts.activity.record([tally], now: 0)
        }
    }

    /// What each instance took since it started.
    private func taken(_ core: CoreServer) -> [String: UInt64] {
        let statuses = core.parts.activity.statuses(of: core.revision.running)
        return Dictionary(uniqueKeysWithValues: statuses.map { ($0.instance, $0.messagesIn) })
    }

    @Test("only what differs by value restarts, and what depends on it; another spelling restarts nothing")
    func restarts() async throws {
        try await CoreHarness.with { harness in
            let cloud = harness.cloud
            try await harness.runDeployed(things: ["a"]) { core, _ in
                let same: Settings = (#"{"high": 70}"#, ["HALL": "east"])
                let first = Self.revision(2, cloud, one: (#"{"high": 75}"#, [:]), two: same)
                #expect(try await deploy(first, "d-2", cloud).status == .succeeded)
                try feed(core)
                #expect(taken(core) == ["one": 10, "two": 10, "follower": 10])

                let spelled = Self.revision(
                    3, cloud, one: (#"{ "high" : 75.0 }"#, [:]), two: (#"{"high":7e1}"#, ["HALL": "east"]))
                #expect(try await deploy(spelled, "d-3", cloud).status == .succeeded)
                #expect(core.revision.current?.revision == 3)
                #expect(taken(core) == ["one": 10, "two": 10, "follower": 10])

                let configured = Self.revision(4, cloud, one: (#"{"high": 76}"#, [:]), two: same)
                #expect(try await deploy(configured, "d-4", cloud).status == .succeeded)
                #expect(taken(core) == ["one": 0, "two": 10, "follower": 0])
                try feed(core)
                #expect(taken(core) == ["one": 10, "two": 20, "follower": 10])

                let environment = Self.revision(
                    5, cloud, one: (#"{"high": 76}"#, [:]), two: (#"{"high": 70}"#, ["HALL": "west"]))
                #expect(try await deploy(environment, "d-5", cloud).status == .succeeded)
                #expect(taken(core) == ["one": 10, "two": 0, "follower": 10])
            }
            // What was settled is there again after a restart, from the core's own disk.
            try await harness.run { core in
                _ = try await core.listeningPort()
                let two = try #require(core.revision.running?.components["two"])
                #expect(two.problem == nil)
                let settings = TransformSettings(
                    configuration: ["high": ConfigurationValue.double(70).expressionValue],
                    environment: ["HALL": "west"])
                #expect(two.settings == settings)
            }
        }
    }

    @Test("settings that do not fit the recipe, or cannot be read, fail the deployment and change nothing")
    func refusals() async throws {
        try await CoreHarness.with { harness in
            let cloud = harness.cloud
            try await harness.runDeployed(things: ["a"]) { core, _ in
                let good: Settings = ("", [:])
                let bad: [(settings: Settings, reason: String)] = [
                    ((#"{"hihg": 1}"#, [:]), "did you mean \"/high\"?"),
                    (("[1]", [:]), "components[0].configuration.merge"),
                    (("", ["HEDGEROW_A": "x"]), "are reserved"),
                ]
                for (index, (settings, reason)) in bad.enumerated() {
                    let revision = Self.revision(UInt64(index) + 2, cloud, one: settings, two: good)
                    let report = try await deploy(revision, "bad-\(index)", cloud)
                    #expect(report.status == .failed)
                    #expect(report.reason.contains(reason), "\(report.reason)")
                    #expect(core.revision.current?.revision == 1)
                }
            }
        }
    }

    @Test("the watch of a settling deployment looks at what differs by value")
    func watched() throws {
        let cloud = try FakeCloud()
        let old = Self.revision(1, cloud, one: (#"{"high": 75}"#, [:]), two: ("", ["HALL": "east"]))
        let spelled = Self.revision(2, cloud, one: (#"{"high": 75.0}"#, [:]), two: ("", ["HALL": "east"]))
        #expect(StageWork.changed(spelled, since: old) == [])
        let other = Self.revision(3, cloud, one: (#"{"high": 74}"#, [:]), two: ("", ["HALL": "west"]))
        #expect(StageWork.changed(other, since: old) == ["one", "two"])
    }
}
