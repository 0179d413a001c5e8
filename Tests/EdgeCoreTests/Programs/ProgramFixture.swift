import Foundation
import GRDB
import HedgerowAPI
import Supervision
import SwiftProtobuf
import TestSupport
import Testing

@testable import EdgeCore

/// What tests of programs on a whole core share: a cloud that is no cloud, and components that are shell scripts.
struct ProgramFixture: Sendable {
    /// What an instance is to run.
    struct Instance {
        var name = "p"
        /// Version, and lines of the recipe below `process:`.
        var version = "1.0.0"
        var lines: [String]
        var configuration = ""
        var environment: [String: String] = [:]
        /// What the instance lays over the recipe's configuration.
        var merge = ""
    }

    /// Says where it is, and goes on.
    static let steady = """
        run: 'echo "$HEDGEROW_TOKEN" > "$HEDGEROW_DATA/token"; echo started; exec sleep 600'
        """

    let harness: CoreHarness
    var cloud: FakeCloud { harness.cloud }

    static func with(_ body: (ProgramFixture) async throws -> Void) async throws {
        try await CoreHarness.with { try await body(ProgramFixture(harness: $0)) }
    }

    /// A revision that runs instances; the cloud knows their recipes.
    func revision(
        _ number: UInt64, _ instances: [Instance], subscriptions: [(String, String, String)] = []
    ) -> Hedgerow_Type_V1_GroupRevision {
        var revision = FakeCloud.revision(number, things: ["a"])
        for instance in instances {
            let lines = instance.lines.flatMap { $0.split(separator: "\n") }.map { "  \($0)" }
            let recipe =
                "kind: Component\nname: \(instance.name)\nversion: \(instance.version)\nprocess:\n"
                + lines.joined(separator: "\n") + "\n" + instance.configuration
            let digest = cloud.register(
                recipe: recipe, component: instance.name, version: instance.version)
            revision.components.append(
                .with {
                    $0.name = instance.name
                    $0.component = instance.name
                    $0.version = "*"
                    $0.environment = instance.environment
                    if !instance.merge.isEmpty { $0.configuration.merge = instance.merge }
                })
            revision.lock.append(
                .with {
                    $0.instance = instance.name
                    $0.component = instance.name
                    $0.version = instance.version
                    $0.recipeDigest = digest
                })
        }
        revision.subscriptions += subscriptions.map { from, filter, to in
            .with {
                $0.from = from
                $0.topicFilter = filter
                $0.to = to
            }
        }
        return revision
    }

    /// Runs the core with its programs.
    func run<Value: Sendable>(_ body: (CoreServer) async throws -> Value) async throws -> Value {
        let core = try await CoreServer(configuration: harness.configuration, logger: harness.logger)
        return try await harness.run(core, body)
    }

    /// Runs cloud and core.
    func runBoth(_ body: (CoreServer) async throws -> Void) async throws {
        try await cloud.run { ports in
            try harness.writeToken(ports)
            try await run { core in
                try await eventually("an attachment") { core.status.snapshot.isAttached }
                try await body(core)
            }
        }
    }

    /// Deploys a revision and waits for the end.
    @discardableResult
    func deploy(
        _ revision: Hedgerow_Type_V1_GroupRevision, id: String? = nil
    ) async throws -> Hedgerow_Deployment_V1_DeploymentReport {
        let id = id ?? "d-\(revision.revision)"
        cloud.send { $0.assignment = DeploymentFixture.assignment(revision, id: id) }
        try await eventually("the end of \(id)") {
            cloud.reports(id).last.map { $0.status != .inProgress } ?? false
        }
        return try #require(cloud.reports(id).last)
    }

    /// The process of an instance, once it runs.
    func pid(of instance: String, in core: CoreServer) async throws -> Int32 {
        let programs = try #require(core.programs)
        try await eventually("\(instance) RUNNING") {
            programs.supervisor(of: instance)?.status.state == .running
        }
        return try #require(programs.supervisor(of: instance)?.status.pid)
    }

    /// Where an instance keeps what is its own.
    func data(of instance: String) -> String { "\(harness.statePath)/programs/\(instance)/data" }
}
