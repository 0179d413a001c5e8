import Components
import Foundation
import GRDB
import HedgerowAPI
import RPCSupport
import Supervision
import SwiftProtobuf
import TestSupport
import Testing

@testable import EdgeCore

/// What deployments do to programs, on a whole core with real processes.
@Suite("Programs of a core", .timeLimit(.minutes(5))) struct ProgramRunTests {
    private static let steady = ProgramFixture.Instance(lines: [ProgramFixture.steady, "settle: 0s"])

    private func isAlive(_ pid: Int32) -> Bool { kill(pid, 0) == 0 }

    @Test("run when their deployment has settled, and the cloud knows how they stand") func started()
        async throws
    {
        try await ProgramFixture.with { fixture in
            try await fixture.runBoth { core in
                let report = try await fixture.deploy(fixture.revision(1, [Self.steady]))
                #expect(report.status == .succeeded)
                let pid = try await fixture.pid(of: "p", in: core)
                #expect(isAlive(pid))
                let component = try #require(core.revision.running?.components["p"])
                let status = try #require(core.programs?.report(of: component))
                #expect(status.state == .running && status.restarts == 0 && !status.confinement.isEmpty)
                let supervisor = try #require(core.programs?.supervisor(of: "p"))
                try await eventually("its output") {
                    supervisor.tail(10).contains { $0.hasSuffix("started") }
                }
                // Its token is good for calls.
                let token = try String(contentsOfFile: fixture.data(of: "p") + "/token", encoding: .utf8)
                    .trimmingCharacters(in: .whitespacesAndNewlines)
                #expect(token.utf8.count == 64)
            }
        }
    }

    @Test("that end at once fail the deployment, which goes back by itself") func broken() async throws {
        try await ProgramFixture.with { fixture in
            try await fixture.runBoth { core in
                try await fixture.deploy(fixture.revision(1, [Self.steady]))
                var bad = Self.steady
                bad.version = "1.1.0"
                bad.lines = ["run: 'echo no model; exit 3'", "settle: 1s"]
                let report = try await fixture.deploy(fixture.revision(2, [bad]))
                #expect(report.status == .rolledBack)
                #expect(report.reason.contains("component instance \"p\" (p 1.1.0) is broken"))
                #expect(report.reason.contains("code 3"))
                #expect(core.revision.current?.revision == 1)
                let pid = try await fixture.pid(of: "p", in: core)
                #expect(isAlive(pid))
            }
        }
    }

    @Test("that a core goes back to are as they were installed") func goingBackKeepsWhatWasInstalled()
        async throws
    {
        try await ProgramFixture.with { fixture in
            try await fixture.runBoth { core in
                var installed = Self.steady
                installed.lines = [
                    "install: 'echo x >> \"$HEDGEROW_DATA/installs\"; touch environment'",
                    "run: 'test -e environment && exec sleep 600'", "settle: 0s",
                ]
                try await fixture.deploy(fixture.revision(1, [installed]))
                _ = try await fixture.pid(of: "p", in: core)
                var bad = installed
                bad.version = "1.1.0"
                bad.lines = ["run: 'exit 3'", "settle: 1s"]
                #expect(try await fixture.deploy(fixture.revision(2, [bad])).status == .rolledBack)
                #expect(isAlive(try await fixture.pid(of: "p", in: core)))
                let installs = try String(
                    contentsOfFile: fixture.data(of: "p") + "/installs", encoding: .utf8)
                #expect(installs == "x\n")
            }
        }
    }

    @Test("that a revision leaves as they are go on, and what differs is started anew") func onlyWhatDiffers()
        async throws
    {
        try await ProgramFixture.with { fixture in
            try await fixture.runBoth { core in
                var other = Self.steady
                other.name = "q"
                try await fixture.deploy(fixture.revision(1, [Self.steady, other]))
                let (p, q) = (
                    try await fixture.pid(of: "p", in: core), try await fixture.pid(of: "q", in: core)
                )
                other.environment = ["LEVEL": "debug"]
                #expect(
                    try await fixture.deploy(fixture.revision(2, [Self.steady, other])).status == .succeeded)
                #expect(try await fixture.pid(of: "p", in: core) == p)
                #expect(try await fixture.pid(of: "q", in: core) != q)
                try await eventually("the end of the older q") { !isAlive(q) }
            }
        }
    }

    @Test("go on with another configuration, and are told, where their recipe says so") func notified()
        async throws
    {
        try await ProgramFixture.with { fixture in
            try await fixture.runBoth { core in
                var live = Self.steady
                live.lines.append("onConfigurationChange: notify")
                live.configuration = "configuration: {high: 80}\n"
                try await fixture.deploy(fixture.revision(1, [live]))
                let pid = try await fixture.pid(of: "p", in: core)
                let programs = try #require(core.programs)
                var told = programs.configurations(of: "p").makeAsyncIterator()
                #expect(await told.next()?.configuration == ["high": .int(80)])
                live.merge = "{\"high\": 95}"
                #expect(try await fixture.deploy(fixture.revision(2, [live])).status == .succeeded)
                #expect(await told.next()?.configuration == ["high": .int(95)])
                #expect(try await fixture.pid(of: "p", in: core) == pid)
                live.environment = ["LEVEL": "debug"]
                #expect(try await fixture.deploy(fixture.revision(3, [live])).status == .succeeded)
                #expect(try await fixture.pid(of: "p", in: core) != pid)
            }
        }
    }

    @Test("end with the core, and begin again with it, without a cloud") func restart() async throws {
        try await ProgramFixture.with { fixture in
            var pid: Int32 = 0
            try await fixture.runBoth { core in
                try await fixture.deploy(fixture.revision(1, [Self.steady]))
                pid = try await fixture.pid(of: "p", in: core)
            }
            #expect(!isAlive(pid))
            // Nothing listens at the cloud's address any more.
            try await fixture.run { core in
                let next = try await fixture.pid(of: "p", in: core)
                #expect(next != pid && isAlive(next))
                #expect(!core.status.snapshot.isAttached)
            }
        }
    }

    @Test("that are removed leave nothing behind once that has settled") func removed() async throws {
        try await ProgramFixture.with { fixture in
            try await fixture.runBoth { core in
                try await fixture.deploy(fixture.revision(1, [Self.steady]))
                let pid = try await fixture.pid(of: "p", in: core)
                try await fixture.deploy(fixture.revision(2, []))
                try await eventually("the end of the program") { !isAlive(pid) }
                // It is what the core would go back to.
                #expect(FileManager.default.fileExists(atPath: fixture.data(of: "p")))
                try await fixture.deploy(fixture.revision(3, []))
                try await eventually("its directories gone") {
                    !FileManager.default.fileExists(atPath: fixture.data(of: "p"))
                }
            }
        }
    }

    @Test("hold up an update for as long as they ask, and no longer") func deferral() async throws {
        try await ProgramFixture.with { fixture in
            try await fixture.runBoth { core in
                try await fixture.deploy(fixture.revision(1, [Self.steady]))
                let pid = try await fixture.pid(of: "p", in: core)
                let programs = try #require(core.programs)
                _ = try programs.deferUpdate(of: "p", by: .seconds(300), reason: "in the middle of a weld")
                #expect(throws: HedgerowError.self) {
                    try programs.deferUpdate(of: "p", by: .seconds(601), reason: "too long")
                }
                var next = Self.steady
                next.version = "1.1.0"
                let revision = fixture.revision(2, [next])
                fixture.cloud.send { $0.assignment = DeploymentFixture.assignment(revision, id: "d-2") }
                try await eventually("the stage before the switch") {
                    fixture.cloud.reports("d-2").contains { $0.stage == .stage }
                }
                #expect(isAlive(pid) && core.revision.current?.revision == 1)
                let (_, isWaiting) = try programs.deferUpdate(of: "p", by: .zero, reason: "")
                #expect(isWaiting)
                try await eventually("success") { fixture.cloud.reports("d-2").last?.status == .succeeded }
                #expect(!isAlive(pid))
            }
        }
    }

    @Test("on demand run while something waits for them") func onDemand() async throws {
        try await ProgramFixture.with { fixture in
            let instance = ProgramFixture.Instance(lines: [
                ProgramFixture.steady, "mode: onDemand", "idleTimeout: 1s", "settle: 0s",
            ])
            try await fixture.runBoth { core in
                let report = try await fixture.deploy(
                    fixture.revision(1, [instance], subscriptions: [("thing:a", "t/#", "component:p")]))
                #expect(report.status == .succeeded)
                let programs = try #require(core.programs)
                #expect(programs.supervisor(of: "p")?.status.state == .installed)
                try await core.parts.database.write { db in
                    try StoredInbox(db).append(
                        InboxEntry(
                            instance: "p",
                            source: .init(
                                thing: "a", stream: "default", epoch: epoch(1), output: nil, passed: 0),
                            batch: .with {
                                $0.topic = "t/x"
                                $0.timeOffsetsUs = [0]
                                $0.payloads.data = [Data([1])]
                            }, sequences: [1], receiveTime: 0, isReceiveTimeDoubtful: false))
                }
                programs.inboxes.wake(["p"])
                let pid = try await fixture.pid(of: "p", in: core)
                _ = try await core.parts.database.write { try StoredInbox($0).removeAll(of: "p") }
                try await eventually("its end") {
                    !isAlive(pid) && programs.supervisor(of: "p")?.status.state == .installed
                }
            }
        }
    }

    @Test("on demand that end by themselves run again for what comes next") func onDemandAgain() async throws
    {
        try await ProgramFixture.with { fixture in
            let instance = ProgramFixture.Instance(lines: [
                "run: 'echo x >> \"$HEDGEROW_DATA/runs\"'", "mode: onDemand", "idleTimeout: 1h", "settle: 0s",
            ])
            try await fixture.runBoth { core in
                try await fixture.deploy(
                    fixture.revision(1, [instance], subscriptions: [("thing:a", "t/#", "component:p")]))
                let programs = try #require(core.programs)
                let runs = {
                    (try? String(contentsOfFile: fixture.data(of: "p") + "/runs", encoding: .utf8))?
                        .split(separator: "\n").count ?? 0
                }
                for count in 1...2 {
                    try await core.parts.database.write { db in
                        try StoredInbox(db).append(
                            InboxEntry(
                                instance: "p",
                                source: .init(
                                    thing: "a", stream: "default", epoch: epoch(1), output: nil, passed: 0),
                                batch: .with {
                                    $0.topic = "t/x"
                                    $0.timeOffsetsUs = [0]
                                    $0.payloads.data = [Data([1])]
                                }, sequences: [UInt64(count)], receiveTime: 0, isReceiveTimeDoubtful: false))
                    }
                    programs.inboxes.wake(["p"])
                    try await eventually("run \(count)") { runs() >= count }
                    try await eventually("its end") {
                        [.finished, .installed].contains(programs.supervisor(of: "p")?.status.state)
                    }
                }
            }
        }
    }

    @Test("that need a sandbox are refused where there is none, or run in it") func sandboxRequired()
        async throws
    {
        try await ProgramFixture.with { fixture in
            var instance = Self.steady
            instance.lines.append("sandbox: required")
            try await fixture.runBoth { core in
                let report = try await fixture.deploy(fixture.revision(1, [instance]))
                let confinement = try #require(core.programs?.confinement)
                if case .bubblewrap = confinement.sandbox {
                    #expect(report.status == .succeeded)
                } else {
                    #expect(report.status != .succeeded && report.reason.contains("requires a sandbox"))
                }
            }
        }
    }
}
