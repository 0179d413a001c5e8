import Foundation
import GRDB
import HedgerowAPI
import SwiftProtobuf
import TestSupport
import Testing

@testable import EdgeCore

/// What tests of deployments share: a component "smooth" in several versions, one instance "i" of it.
struct DeploymentFixture: Sendable {
    static let component = "smooth"
    static let instance = "i"

    let harness: CoreHarness
    var cloud: FakeCloud { harness.cloud }

    static func with(_ body: (DeploymentFixture) async throws -> Void) async throws {
        try await CoreHarness.with { try await body(DeploymentFixture(harness: $0)) }
    }

    static func recipe(_ version: String) -> String {
        """
        kind: Component
        name: \(component)
        version: \(version)
        transform:
          - keep: [temperature]
          - publish: out/x
        """
    }

    /// Revision N runs version 1.N.0, which the cloud knows.
    func revision(_ number: UInt64, things: [String] = ["a"]) -> Hedgerow_Type_V1_GroupRevision {
        let version = "1.\(number).0"
        let digest = cloud.register(
            recipe: Self.recipe(version), component: Self.component, version: version)
        var revision = FakeCloud.revision(number, things: things)
        revision.components = [
            .with {
                $0.name = Self.instance
                $0.component = Self.component
                $0.version = "^1.0.0"
            }
        ]
        revision.lock = [
            .with {
                $0.instance = Self.instance
                $0.component = Self.component
                $0.version = version
                $0.recipeDigest = digest
            }
        ]
        revision.subscribe(Self.instance)
        return revision
    }

    static func assignment(
        _ revision: Hedgerow_Type_V1_GroupRevision, id: String, settling: Duration = .zero,
        policy: Hedgerow_Deployment_V1_FailurePolicy = .unspecified
    ) -> Hedgerow_Deployment_V1_DeploymentAssignment {
        .with {
            $0.deploymentID = id
            $0.revision = revision
            $0.failurePolicy = policy
            let (seconds, attoseconds) = settling.components
            $0.settlingTime.seconds = seconds
            $0.settlingTime.nanos = Int32(attoseconds / 1_000_000_000)
        }
    }

    func assign(
        _ revision: Hedgerow_Type_V1_GroupRevision, id: String, settling: Duration = .zero,
        policy: Hedgerow_Deployment_V1_FailurePolicy = .unspecified
    ) {
        cloud.send { $0.assignment = Self.assignment(revision, id: id, settling: settling, policy: policy) }
    }

    func cancel(_ id: String, reason: String = "") {
        cloud.send {
            $0.cancellation.deploymentID = id
            $0.cancellation.reason = reason
        }
    }

    /// Waits for the end of a deployment.
    func end(_ id: String) async throws -> Hedgerow_Deployment_V1_DeploymentReport {
        try await eventually(
            "the end of \(id)",
            holds: {
                cloud.reports(id).last.map { $0.status != .inProgress } ?? false
            })
        return try #require(cloud.reports(id).last)
    }

    /// Waits until the cloud was told of a stage, which may be over by now.
    ///
    /// - Parameter reports: reports that do not count, being older.
    func stage(
        _ stage: Hedgerow_Deployment_V1_DeploymentStage, of id: String, beyond reports: Int = 0
    ) async throws {
        try await eventually(
            "\(id) in \(stage)",
            holds: { cloud.reports(id).dropFirst(reports).contains { $0.stage == stage } })
    }

    /// Runs cloud and core with revision 1 deployed as d-1.
    func run(
        configure: (inout CoreConfiguration) -> Void = { _ in }, _ body: (CoreServer) async throws -> Void
    ) async throws {
        try await cloud.run { ports in
            try harness.writeToken(ports)
            try await harness.run(configure: configure) { core in
                try await eventually("an attachment", holds: { core.status.snapshot.isAttached })
                assign(revision(1), id: "d-1")
                try #require(try await end("d-1").status == .succeeded)
                _ = try await core.listeningPort()
                try await body(core)
            }
        }
    }

    /// Lets the instance of what runs take messages.
    static func feed(_ core: CoreServer, _ count: UInt64, failing: UInt64) throws {
        let running = try #require(core.revision.running)
        var tally = ComponentTally(try #require(running.components[instance]), generation: running.number)
        tally.input = count
        if failing > 0 { tally.failures = ["no temperature": failing] }
        core.parts.activity.record([tally], now: 0)
    }

    static func stored(_ core: CoreServer) async throws -> [String] {
        try await core.parts.database.read {
            try String.fetchAll($0, sql: "SELECT version FROM recipe ORDER BY 1")
        }
    }

    /// Works on the database of a core that does not run.
    func database<Value: Sendable>(_ body: @Sendable (Database) throws -> Value) throws -> Value {
        let queue = try DatabaseQueue(path: StateDirectory(path: harness.statePath).databasePath)
        let value = try queue.write { try body($0) }
        try queue.close()
        return value
    }
}
