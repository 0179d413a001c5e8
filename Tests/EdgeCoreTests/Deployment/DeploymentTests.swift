import Foundation
import GRDB
import GRPCCore
import HedgerowAPI
import SwiftProtobuf
import TestSupport
import Testing

@testable import EdgeCore

@Suite("Deployments that always come to an end", .timeLimit(.minutes(3)))
struct DeploymentTests {
    typealias Fixture = DeploymentFixture

    // MARK: Orders

    @Test("delivered twice: under way it says where it is, over it says how it ended, and never runs twice")
    func deliveredTwice() async throws {
        try await Fixture.with { fixture in
            try await fixture.run { core in
                let cloud = fixture.cloud
                cloud.setSilentAboutRecipes(true)
                fixture.assign(fixture.revision(2), id: "d-2")
                try await fixture.stage(.fetch, of: "d-2")
                try await eventually("a request", holds: { cloud.recipeRequests.count == 2 })
                let said = cloud.reports("d-2").count
                fixture.assign(fixture.revision(2), id: "d-2")
                try await eventually("where it is", holds: { cloud.reports("d-2").count > said })
                #expect(cloud.reports("d-2").last?.stage == .fetch && cloud.recipeRequests.count == 2)
                cloud.setSilentAboutRecipes(false)

                var broken = fixture.revision(3)
                broken.lock[0].recipeDigest = Data(count: 32)
                fixture.assign(broken, id: "d-3")
                let first = try await fixture.end("d-3")
                #expect(first.status == .failed)
                let (requests, reports) = (cloud.recipeRequests.count, cloud.reports("d-3").count)
                fixture.assign(broken, id: "d-3")
                try await eventually("how it ended", holds: { cloud.reports("d-3").count > reports })
                #expect(cloud.reports("d-3").last == first && cloud.recipeRequests.count == requests)
                // Another content under the id is another deployment.
                fixture.assign(fixture.revision(3), id: "d-3")
                try await eventually(
                    "its success", holds: { cloud.reports("d-3").last?.status == .succeeded })
                #expect(core.revision.current?.revision == 3)
            }
        }
    }

    @Test("cancelled before the switch nothing has changed, over it stays, unknown it never began")
    func cancellation() async throws {
        try await Fixture.with { fixture in
            try await fixture.run { core in
                fixture.cloud.setSilentAboutRecipes(true)
                fixture.assign(fixture.revision(2), id: "d-2")
                try await fixture.stage(.fetch, of: "d-2")
                fixture.cancel("d-2", reason: "a mistake")
                let canceled = try await fixture.end("d-2")
                #expect(canceled.status == .canceled && canceled.reason.contains("a mistake"))
                #expect(core.revision.current?.revision == 1)
                fixture.cancel("d-1")
                try await eventually(
                    "how it ended",
                    holds: {
                        fixture.cloud.reports("d-1").count { $0.status == .succeeded } == 2
                    })
                #expect(core.revision.current?.revision == 1)
                fixture.cancel("strange")
                let strange = try await fixture.end("strange").status
                #expect(strange == .canceled)
            }
        }
    }

    @Test("two revisions race: the later one wins at whatever stage the earlier one is, and runs whole")
    func race() async throws {
        try await Fixture.with { fixture in
            try await fixture.run { core in
                // No waiting between them: each meets the one before somewhere else.
                for round in 0..<10 {
                    let (a, b) = (fixture.revision(2), fixture.revision(3))
                    let pair = round.isMultiple(of: 2) ? [a, b] : [b, a]
                    for (index, revision) in pair.enumerated() {
                        fixture.assign(revision, id: "r-\(round)-\(index)")
                    }
                    let winner = try await fixture.end("r-\(round)-1").status
                    #expect(winner == .succeeded)
                    let first = try await fixture.end("r-\(round)-0")
                    #expect([.canceled, .succeeded].contains(first.status))
                    let running = try #require(core.revision.running)
                    #expect(running.revision == pair[1])
                    #expect(running.components["i"]?.version == pair[1].lock[0].version)
                }
            }
        }
    }

    // MARK: The cloud away

    @Test("the cloud goes away in mid-fetch: the core goes on when it is back")
    func cloudAway() async throws {
        try await Fixture.with { fixture in
            let cloud = fixture.cloud
            let core = try await fixture.cloud.run { ports in
                try fixture.harness.writeToken(ports)
                return try await fixture.harness.makeCore()
            }
            try await fixture.harness.run(core) { core in
                try await cloud.run { _ in
                    try await eventually("an attachment", holds: { core.status.snapshot.isAttached })
                    fixture.assign(fixture.revision(1), id: "d-1")
                    let first = try await fixture.end("d-1").status
                    #expect(first == .succeeded)
                    cloud.setSilentAboutRecipes(true)
                    fixture.assign(fixture.revision(2), id: "d-2")
                    try await eventually("a request", holds: { cloud.recipeRequests.count == 2 })
                }
                try await eventually("the loss", holds: { !core.status.snapshot.isAttached })
                #expect(core.revision.current?.revision == 1)
                cloud.setSilentAboutRecipes(false)
                try await cloud.run { _ in
                    let second = try await fixture.end("d-2").status
                    #expect(second == .succeeded)
                    #expect(core.revision.current?.revision == 2)
                }
            }
        }
    }

    @Test("what is not fetched within the stage's deadline is FAILED, and nothing has changed")
    func overdue() async throws {
        try await Fixture.with { fixture in
            try await fixture.run { _ in }
            try await fixture.harness.run(configure: { $0.timing.fetch = .milliseconds(500) }) { core in
                try await fixture.cloud.run { _ in
                    try await eventually("an attachment", holds: { core.status.snapshot.isAttached })
                    fixture.cloud.failRecipes(
                        Array(repeating: RPCError(code: .unavailable, message: "away"), count: 1_000))
                    fixture.assign(fixture.revision(2), id: "d-2")
                    let report = try await fixture.end("d-2")
                    #expect(
                        report.status == .failed && report.reason.contains("stage fetch"), "\(report.reason)")
                    #expect(core.revision.current?.revision == 1)
                    let stored = try await Fixture.stored(core)
                    #expect(stored == ["1.1.0"])
                }
            }
        }
    }

    // MARK: Restarts

    /// Leaves a deployment of revision 2 in a stage, as a core does that dies there; all that it needs is here.
    private func leave(
        _ fixture: Fixture, in stage: DeploymentProgress.Stage, restarts: Int = 0, settling: Duration = .zero
    ) throws {
        let two = fixture.revision(2)
        var record = try DeploymentRecord(Fixture.assignment(two, id: "d-2", settling: settling))
        record.progress = DeploymentProgress(
            policy: .rollback, stage: stage, outcome: nil, restarts: restarts,
            reason: stage == .back ? "it was broken" : "", ending: stage == .back ? .rolledBack : nil)
        let recipe = StoredRecipe(
            key: StoredRecipe.Key(try RevisionCheck.lock(of: two)[0]), text: Fixture.recipe("1.2.0"))
        try fixture.database { [record] db in
            try record.insert(db)
            try recipe.save(db)
            guard stage.isAfterSwitch else { return }
            try StoredRevision.find(db, at: .active).revision?.save(db, at: .previous)
            try StoredRevision(revision: two, deploymentID: "d-2", time: 0, isSettled: false)
                .save(db, at: .active)
        }
    }

    @Test(
        "a core that starts again goes on by itself, without the cloud, and tells it when it is there",
        arguments: DeploymentProgress.Stage.allCases)
    func resumes(_ stage: DeploymentProgress.Stage) async throws {
        try await Fixture.with { fixture in
            try await fixture.run { _ in }
            try leave(fixture, in: stage, settling: stage == .settle ? .milliseconds(300) : .zero)
            let isBack = stage == .back
            try await fixture.harness.run { core in
                try await eventually(
                    "its end",
                    holds: {
                        let record = try await core.parts.database.read {
                            try DeploymentRecord.newest($0).record
                        }
                        return record?.progress.outcome == (isBack ? .rolledBack : .succeeded)
                    })
                #expect(core.revision.current?.revision == (isBack ? 1 : 2))
                #expect(core.revision.running?.components["i"]?.version == (isBack ? "1.1.0" : "1.2.0"))
                #expect(core.revision.running?.unusable.isEmpty == true)
                #expect(core.revision.isSettled)
                #expect(fixture.cloud.reports("d-2").isEmpty)
                try await fixture.cloud.run { _ in
                    let second = try await fixture.end("d-2").status
                    #expect(second == (isBack ? .rolledBack : .succeeded))
                }
            }
        }
    }

    @Test(
        "a core that dies again and again in one stage gives up", arguments: DeploymentProgress.Stage.allCases
    )
    func restartsEnd(_ stage: DeploymentProgress.Stage) async throws {
        try await Fixture.with { fixture in
            try await fixture.run { _ in }
            try leave(
                fixture, in: stage, restarts: DeploymentProgress.maximumRestarts, settling: .seconds(600))
            try await fixture.harness.run { core in
                try await fixture.cloud.run { _ in
                    let report = try await fixture.end("d-2")
                    #expect(report.status == (stage == .settle ? .rolledBack : .failed))
                    #expect(report.reason.contains("restarted"), "\(report.reason)")
                    // What could not go back says so and stays.
                    #expect(core.revision.current?.revision == (stage == .back ? 2 : 1))
                }
            }
        }
    }

    // MARK: Full disks

    @Test("a full disk is FAILED with a sentence, and the old revision goes on", arguments: 0...5)
    func fullDisk(_ commitsBefore: Int) async throws {
        try await Fixture.with { fixture in
            let full = FullDisk()
            let core = try await fixture.cloud.run { ports in
                try fixture.harness.writeToken(ports)
                return try await CoreServer(
                    configuration: fixture.harness.configuration, logger: fixture.harness.logger
                ) { parts in
                    CoreServer.Telemetry(rpcServices: [EchoService()], commit: full.commit(parts.database))
                }
            }
            try await fixture.harness.run(core) { core in
                try await fixture.cloud.run { _ in
                    try await eventually("an attachment", holds: { core.status.snapshot.isAttached })
                    fixture.assign(fixture.revision(1), id: "d-1")
                    let first = try await fixture.end("d-1").status
                    #expect(first == .succeeded)
                    full.fill(after: commitsBefore)
                    fixture.assign(fixture.revision(2), id: "d-2")
                    let report = try await fixture.end("d-2")
                    #expect(report.status == .failed)
                    #expect(report.reason.contains("disk is full") && !report.reason.contains("SQLite"))
                    #expect(core.revision.current?.revision == 1)
                    #expect(try await Fixture.stored(core) == ["1.1.0"])
                    full.fill(after: .max)
                    fixture.assign(fixture.revision(2), id: "d-3")
                    let third = try await fixture.end("d-3").status
                    #expect(third == .succeeded)
                }
            }
        }
    }
}
