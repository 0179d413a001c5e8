import Components
import Foundation
import GRDB
import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

@testable import Cloud

/// Revisions, what became of them, and the way back.
@Suite struct GroupHistoryTests {
    private func withFleet(
        _ body:
            @Sendable @escaping (
                _ cloud: RunningCloud, _ admin: ClientIdentity, _ core: ClientIdentity
            ) async throws -> Void
    ) async throws {
        try await withCloud { cloud in
            let admin = try await cloud.enrollOperator()
            let core = try await cloud.register(admin, .core, "c")
            _ = try await cloud.register(admin, .thing, "t")
            try await body(cloud, admin, core)
        }
    }

    private func history(
        _ cloud: RunningCloud, _ admin: ClientIdentity, pageSize: UInt32 = 2
    ) async throws -> [Hedgerow_Registry_V1_GroupRevisionSummary] {
        try await cloud.call(as: admin) { client in
            var all: [Hedgerow_Registry_V1_GroupRevisionSummary] = []
            var token = ""
            repeat {
                let page = try await Registry(wrapping: client).listGroupRevisions(
                    .with {
                        $0.group = "g"
                        $0.pageSize = pageSize
                        $0.pageToken = token
                    })
                all += page.revisions
                token = page.nextPageToken
            } while !token.isEmpty && all.count < 1_000
            return all
        }
    }

    private func rollBack(
        _ cloud: RunningCloud, _ admin: ClientIdentity, to revision: UInt64 = 0
    ) async throws -> Hedgerow_Deployment_V1_Deployment {
        try await cloud.call(as: admin) { client in
            try await Deployments(wrapping: client).createDeployment(
                .with {
                    $0.group = "g"
                    $0.revision = revision
                    $0.rollback = true
                }
            ).deployment
        }
    }

    /// Says what a core says of a deployment.
    private func report(
        _ cloud: RunningCloud, _ deployment: Hedgerow_Deployment_V1_Deployment, _ stage: CoreStage
    ) async throws {
        _ = try await cloud.server.context.deployments.recordReport(
            CoreReport(deploymentID: deployment.id, stage: stage, reason: ""), core: "c", at: cloud.time.now)
    }

    @Test func aHistorySaysWhoWhatAndWhatCameOfIt() async throws {
        try await withFleet { cloud, admin, _ in
            try await cloud.push(admin, recipe("smooth", "1.0.0"))
            try await cloud.apply(admin, group())
            let first = try await cloud.deploy(admin, "g")
            try await report(cloud, first, .succeeded)
            for version in ["~1.0.0", "1.0.0"] { try await cloud.apply(admin, group(version: version)) }
            let second = try await cloud.deploy(admin, "g")
            try await report(cloud, second, .failed)
            let all = try await history(cloud, admin)
            #expect(all.map(\.revision) == [3, 2, 1])
            #expect(all.allSatisfy { $0.author == "operator" || !$0.author.isEmpty })
            #expect(all[0].summary == "~ components smooth version: ~1.0.0 → 1.0.0")
            #expect(all[2].summary.hasPrefix("cores +1, things +1, components +1, subscriptions +3"))
            #expect(all.map(\.deploymentCount) == [1, 0, 1])
            #expect(all[0].deployments.map(\.outcome) == [.failed])
            #expect(all[2].deployments.map(\.outcome) == [.succeeded])
            #expect(all[2].deployments.first?.succeededCount == 1)
            let whole = try await history(cloud, admin, pageSize: 100)
            #expect(whole == all, "pages make no difference, what a revision changed included")
            let shown = try await cloud.call(as: admin) { client in
                try await Registry(wrapping: client).getGroupRevision(
                    .with {
                        $0.group = "g"
                        $0.revision = 2
                    })
            }
            #expect(shown.revision.components.map(\.version) == ["~1.0.0"])
            #expect(shown.summary == all[1])
            let none = try await refusal {
                try await cloud.call(as: admin) { client in
                    try await Registry(wrapping: client).getGroupRevision(
                        .with {
                            $0.group = "g"
                            $0.revision = 9
                        })
                }
            }
            #expect(none?.reason == .notFound && none?.message.contains("its newest is 3") == true)
        }
    }

    @Test func aRollbackHasTheLockThatRanAndResolvesNothing() async throws {
        try await withFleet { cloud, admin, _ in
            try await cloud.push(admin, recipe("smooth", "1.0.0"))
            try await cloud.apply(admin, group())
            let first = try await cloud.deploy(admin, "g")
            try await report(cloud, first, .succeeded)
            // A newer version would be taken if anything were resolved.
            try await cloud.push(admin, recipe("smooth", "1.1.0"))
            try await cloud.apply(admin, group(version: "^1.1"))
            let second = try await cloud.deploy(admin, "g")
            #expect(second.lock.map(\.version) == ["1.1.0"])
            try await report(cloud, second, .succeeded)
            let back = try await rollBack(cloud, admin)
            #expect(back.revision == 1 && back.lock == first.lock)
            #expect(back.lockOfDeployment == first.id)
            let all = try await history(cloud, admin)
            #expect(all[1].deployments.map(\.lockOfDeployment) == [first.id, ""])
            // By number, and again from there.
            try await report(cloud, back, .succeeded)
            let forth = try await rollBack(cloud, admin)
            #expect(forth.revision == 2 && forth.lockOfDeployment == second.id)
            let named = try await rollBack(cloud, admin, to: 1)
            #expect(named.lockOfDeployment == back.id && named.lock == first.lock)
        }
    }

    @Test func aRevisionThatNeverSucceededIsNoWayBack() async throws {
        try await withFleet { cloud, admin, _ in
            let unknown = try await refusal { try await rollBack(cloud, admin) }
            #expect(unknown?.reason == .notFound)
            try await cloud.push(admin, recipe("smooth", "1.0.0"))
            try await cloud.apply(admin, group())
            let never = try await refusal { try await rollBack(cloud, admin) }
            #expect(never?.code == .failedPrecondition && never?.reason == .notDeployed)
            #expect(never?.message.contains("was never deployed") == true)
            let first = try await cloud.deploy(admin, "g")
            try await report(cloud, first, .failed)
            try await cloud.apply(admin, group(version: "1.0.0"))
            let second = try await cloud.deploy(admin, "g")
            try await report(cloud, second, .succeeded)
            let failed = try await refusal { try await rollBack(cloud, admin, to: 1) }
            #expect(failed?.reason == .notDeployed)
            #expect(
                failed?.message.contains("revision 1 of group \"g\" was never deployed successfully") == true)
            let only = try await refusal { try await rollBack(cloud, admin) }
            #expect(only?.reason == .notDeployed && only?.message.contains("nothing to go back to") == true)
            let none = try await refusal { try await rollBack(cloud, admin, to: 7) }
            #expect(none?.reason == .notFound)
        }
    }

    @Test func aVersionThatIsGoneIsSaid() async throws {
        try await withFleet { cloud, admin, _ in
            try await cloud.push(admin, recipe("smooth", "1.0.0"))
            try await cloud.apply(admin, group())
            let first = try await cloud.deploy(admin, "g")
            try await report(cloud, first, .succeeded)
            try await cloud.server.context.database.write { db in
                try db.execute(sql: "DELETE FROM component_version WHERE component = 'smooth'")
            }
            let gone = try await refusal { try await rollBack(cloud, admin, to: 1) }
            #expect(gone?.reason == .unresolvedComponent)
            #expect(gone?.message.contains("smooth 1.0.0, which is not registered any more") == true)
        }
    }

    @Test func aFileThatIsGoneIsSaid() async throws {
        try await withFleet { cloud, admin, _ in
            try await cloud.push(admin, recipe("smooth", "1.0.0"))
            try await cloud.apply(admin, group())
            let first = try await cloud.deploy(admin, "g")
            try await report(cloud, first, .succeeded)
            let file = ArtifactReference(
                name: "model.onnx", digest: [UInt8](repeating: 7, count: 32), size: 5)
            let files = try JSONText.encode([file])
            try await cloud.server.context.database.write { db in
                try db.execute(sql: "UPDATE deployment_lock SET artifacts = ?", arguments: [files])
            }
            let gone = try await refusal { try await rollBack(cloud, admin, to: 1) }
            #expect(gone?.code == .failedPrecondition && gone?.reason == .missingArtifact)
            #expect(gone?.message.contains("model.onnx") == true)
        }
    }

    @Test func theLastSuccessOfARevisionOutlivesPruning() async throws {
        try await withFleet { cloud, admin, _ in
            try await cloud.push(admin, recipe("smooth", "1.0.0"))
            try await cloud.apply(admin, group())
            let first = try await cloud.deploy(admin, "g")
            try await report(cloud, first, .succeeded)
            try await cloud.apply(admin, group(version: "1.0.0"))
            for _ in 0..<4 { try await report(cloud, try await cloud.deploy(admin, "g"), .succeeded) }
            try await cloud.server.context.deployments.pruneDeployments(keeping: 1)
            let back = try await rollBack(cloud, admin, to: 1)
            #expect(back.lockOfDeployment == first.id)
            #expect(try await history(cloud, admin).map(\.deploymentCount) == [1, 2])
        }
    }
}
