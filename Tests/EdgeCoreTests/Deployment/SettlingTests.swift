import Foundation
import HedgerowAPI
import SwiftProtobuf
import TestSupport
import Testing

@testable import EdgeCore

@Suite("What is watched after the switch", .timeLimit(.minutes(3)))
struct SettlingTests {
    typealias Fixture = DeploymentFixture

    @Test(
        "an instance that fails on every message takes the core back to the revision before, with its reason")
    func rolledBack() async throws {
        try await Fixture.with { fixture in
            try await fixture.run { core in
                fixture.assign(fixture.revision(2, things: ["b"]), id: "d-2", settling: .seconds(600))
                try await fixture.stage(.settle, of: "d-2")
                #expect(core.revision.current?.revision == 2)
                let left = try #require(fixture.cloud.reports("d-2").last?.stageTimeLeft.seconds)
                #expect((600...660).contains(left))
                // Two are too few to tell; one that succeeds is enough to stay.
                try Fixture.feed(core, 2, failing: 2)
                try Fixture.feed(core, 2, failing: 2)
                let report = try await fixture.end("d-2")
                #expect(report.status == .rolledBack)
                for word in ["\"i\"", "smooth 1.2.0", "all", "messages", "no temperature"] {
                    #expect(report.reason.contains(word), "\(report.reason)")
                }
                #expect(core.revision.current == fixture.revision(1))
                #expect(core.revision.running?.components["i"]?.version == "1.1.0")
                #expect(core.revision.carries(thing: "a") && !core.revision.carries(thing: "b"))
                #expect(core.revision.everCarried(thing: "b"))
                #expect(fixture.cloud.recipeRequests == ["smooth@1.1.0", "smooth@1.2.0"])
                #expect(try await Fixture.stored(core) == ["1.1.0"])
            }
        }
    }

    @Test("one message that it does not fail on is enough, and the settling time ends with SUCCEEDED")
    func settles() async throws {
        try await Fixture.with { fixture in
            try await fixture.run { core in
                fixture.assign(fixture.revision(2), id: "d-2", settling: .seconds(1))
                try await fixture.stage(.settle, of: "d-2")
                try Fixture.feed(core, 100, failing: 99)
                let second = try await fixture.end("d-2").status
                #expect(second == .succeeded)
                #expect(core.revision.isSettled && core.revision.previous?.revision == 1)
                // Nothing that differs: nothing to be watched.
                var same = fixture.revision(2)
                same.revision = 3
                fixture.assign(same, id: "d-3", settling: .seconds(3_600))
                let third = try await fixture.end("d-3").status
                #expect(third == .succeeded)
            }
        }
    }

    @Test("with the policy to stay, and where there is nothing to go back to, it is FAILED and stays")
    func stays() async throws {
        try await Fixture.with { fixture in
            try await fixture.run { core in
                fixture.assign(fixture.revision(2), id: "d-2", settling: .seconds(600), policy: .stay)
                try await fixture.stage(.settle, of: "d-2")
                try Fixture.feed(core, 3, failing: 3)
                let report = try await fixture.end("d-2")
                #expect(report.status == .failed && report.reason.contains("stays"), "\(report.reason)")
                #expect(core.revision.current?.revision == 2 && core.revision.isSettled)
            }
        }
        try await Fixture.with { fixture in
            try await fixture.cloud.run { ports in
                try fixture.harness.writeToken(ports)
                try await fixture.harness.run { core in
                    try await eventually("an attachment", holds: { core.status.snapshot.isAttached })
                    fixture.assign(fixture.revision(1), id: "first", settling: .seconds(600))
                    try await fixture.stage(.settle, of: "first")
                    try Fixture.feed(core, 3, failing: 3)
                    let report = try await fixture.end("first")
                    #expect(report.status == .failed && report.reason.contains("no settled one"))
                    #expect(core.revision.current?.revision == 1)
                }
            }
        }
    }

    @Test("a newer one takes over while it settles, and what failed then goes back to the last that settled")
    func preempted() async throws {
        try await Fixture.with { fixture in
            try await fixture.run { core in
                fixture.assign(fixture.revision(2), id: "d-2", settling: .seconds(600))
                try await fixture.stage(.settle, of: "d-2")
                fixture.assign(fixture.revision(3), id: "d-3", settling: .seconds(600))
                try await fixture.stage(.settle, of: "d-3")
                let second = try await fixture.end("d-2").status
                #expect(second == .canceled)
                #expect(core.revision.current?.revision == 3 && core.revision.previous?.revision == 1)
                try Fixture.feed(core, 3, failing: 3)
                let third = try await fixture.end("d-3").status
                #expect(third == .rolledBack)
                #expect(core.revision.current?.revision == 1)

                // The same, but the newer one does not even get to its switch: nobody would watch what runs.
                fixture.assign(fixture.revision(2), id: "d-4", settling: .seconds(600))
                try await fixture.stage(.settle, of: "d-4")
                var broken = fixture.revision(3)
                broken.lock[0].recipeDigest = Data(count: 32)
                fixture.assign(broken, id: "d-5", settling: .seconds(600))
                let report = try await fixture.end("d-5")
                #expect(report.status == .rolledBack && report.reason.contains("SHA-256"), "\(report.reason)")
                #expect(core.revision.current?.revision == 1 && core.revision.isSettled)
            }
        }
    }

    @Test(
        "until it has settled, a new attachment names the revision before it, and says where the deployment is"
    )
    func hello() async throws {
        try await Fixture.with { fixture in
            try await fixture.run { core in
                fixture.assign(fixture.revision(2), id: "d-2", settling: .seconds(600))
                try await fixture.stage(.settle, of: "d-2")
                let before = fixture.cloud.hellos.count
                let reports = fixture.cloud.reports("d-2").count
                fixture.cloud.endSession(CancellationError())
                try await eventually("another hello", holds: { fixture.cloud.hellos.count > before })
                #expect(fixture.cloud.hellos.last?.activeRevision == 1)
                try await eventually(
                    "another report", holds: { fixture.cloud.reports("d-2").count > reports })
                #expect(fixture.cloud.reports("d-2").last?.stage == .settle)
                // Delivered again, as the cloud does with what is under way: said again, not begun again.
                let again = fixture.cloud.reports("d-2").count
                fixture.assign(fixture.revision(2), id: "d-2", settling: .seconds(600))
                try await eventually("a report", holds: { fixture.cloud.reports("d-2").count > again })
                #expect(fixture.cloud.reports("d-2").last?.stage == .settle)
                fixture.cancel("d-2", reason: "no need")
                let end = try await fixture.end("d-2")
                #expect(end.status == .canceled && end.reason.contains("no need"))
                #expect(core.revision.current?.revision == 1)
            }
        }
    }
}
