import Foundation
import GRPCCore
import HedgerowAPI
import Identity
import PKI
import RPCSupport
import TestSupport
import Testing

@testable import EdgeCore

@Suite("Attachment to the cloud", .timeLimit(.minutes(3)))
struct AttachTests {
    @Test("a core enrols, attaches, takes its revision and serves")
    func firstStart() async throws {
        try await CoreHarness.with { harness in
            let cloud = harness.cloud
            try await harness.runDeployed { core, port in
                let hello = try #require(cloud.hellos.first)
                #expect(hello.version == CoreVersion.current)
                #expect(hello.activeRevision == 0 && hello.activeGroup.isEmpty && hello.hasLocalTime)
                #expect(cloud.enrollCalls == 1)
                let reports = cloud.reports("d-1").map(\.status)
                #expect(reports.last == .succeeded && reports.dropLast().allSatisfy { $0 == .inProgress })
                #expect(core.revision.current == FakeCloud.revision(1, things: ["bme680-1"]))
                #expect(
                    core.revision.carries(thing: "bme680-1") && core.revision.everCarried(thing: "bme680-1"))
                #expect(
                    !core.revision.carries(thing: "bme680-2") && !core.revision.everCarried(thing: "bme680-2")
                )

                // The port was the system's choice, so it is reported when it is known, and for people in a file.
                try await eventually("a report of the address") {
                    cloud.endpointReports.last?.endpoints.map(\.port) == [UInt32(port)]
                }
                #expect(cloud.endpointReports.last?.endpoints.map(\.host) == ["127.0.0.1"])
                let file = try Data(contentsOf: URL(fileURLWithPath: harness.statePath + "/ports.json"))
                let object = try JSONSerialization.jsonObject(with: file) as? [String: Any]
                #expect(object?["port"] as? Int == port)

                try await harness.echo("bme680-1", port: port)
            }
        }
    }

    @Test("a thing outside the running revision is refused, and one that leaves is cut off")
    func membership() async throws {
        try await CoreHarness.with { harness in
            try await harness.runDeployed(things: ["a", "b"]) { core, port in
                let outside = await #expect(throws: RPCError.self) { try await harness.echo("c", port: port) }
                #expect(reason(outside) == .notInGroup && outside?.code == .permissionDenied)

                try await harness.withThing("a", port: port) { client in
                    try await EchoCall.with(client) { call in
                        try await call.echo()
                        harness.cloud.deploy(FakeCloud.revision(2, things: ["b"]), id: "d-2")
                        let end = await call.end()
                        #expect(reason(end) == .notInGroup, "\(String(describing: end))")
                    }
                }
                #expect(core.revision.everCarried(thing: "a") && !core.revision.carries(thing: "a"))
                let again = await #expect(throws: RPCError.self) { try await harness.echo("a", port: port) }
                #expect(reason(again) == .notInGroup)
                try await harness.echo("b", port: port)
            }
        }
    }

    @Test("one thing more than the core serves is sent away; there is room again when one leaves")
    func connectedThings() async throws {
        try await CoreHarness.with { harness in
            try await harness.runDeployed(things: ["a", "b"], configure: { $0.limits.connectedThings = 1 }) {
                _, port in
                try await harness.withThing("a", port: port) { client in
                    try await EchoCall.with(client) { call in
                        try await call.echo()
                        let error = await #expect(throws: RPCError.self) {
                            try await harness.echo("b", port: port)
                        }
                        #expect(error?.code == .resourceExhausted && reason(error) == .tooManyCalls)
                        try await call.echo()
                    }
                }
                try await eventually("room") { (try? await harness.echo("b", port: port)) != nil }
            }
        }
    }

    @Test("a port that is in use is an error that says so")
    func portInUse() async throws {
        try await CoreHarness.with { harness in
            try await harness.runDeployed { _, _ in }
            try await harness.cloud.run { ports in
                let error = await #expect(throws: ListenFailure.self) {
                    let core = try await harness.makeCore { $0.listenPort = ports.mutual }
                    try await core.run()
                }
                #expect(
                    error?.description.contains("\(ports.mutual)") == true, "\(String(describing: error))")
            }
        }
    }

    @Test("the same assignment twice is harmless")
    func repeatedAssignment() async throws {
        try await CoreHarness.with { harness in
            try await harness.runDeployed { core, port in
                try await harness.withThing("bme680-1", port: port) { client in
                    try await EchoCall.with(client) { call in
                        try await call.echo()
                        harness.cloud.deploy(FakeCloud.revision(1, things: ["bme680-1"]), id: "d-1")
                        try await eventually("a second report of success") {
                            harness.cloud.reports("d-1").count { $0.status == .succeeded } == 2
                        }
                        try await call.echo()
                    }
                }
                #expect(core.revision.current?.revision == 1)
            }
        }
    }

    /// What is wrong with an assignment, and a word of the reason that the core must give.
    enum Wrong: String, CaseIterable {
        case otherCore = "does not name the core"
        case component = "components"
        case badEnd = "subscriptions[0].from"
        case smallStream = "maxSize"
        case badFilter = "topic"
        case noNumber = "no number"

        var revision: Hedgerow_Type_V1_GroupRevision {
            var revision = FakeCloud.revision(2, things: ["bme680-1", "bme680-2"])
            switch self {
            case .otherCore: revision.cores = ["pi-2"]
            case .component: revision.subscriptions[0].to = "component:predict"
            case .badEnd: revision.subscriptions[0].from = "thing"
            case .smallStream:
                var stream = Hedgerow_Type_V1_StreamSettings()
                stream.name = "bulk"
                stream.maxSizeBytes = 1_024
                revision.streams = [stream]
            case .badFilter: revision.subscriptions[0].topicFilter = "a/#/b"
            case .noNumber: revision.revision = 0
            }
            return revision
        }
    }

    @Test("a wrong assignment fails with its reason and changes nothing", arguments: Wrong.allCases)
    func wrongAssignment(_ wrong: Wrong) async throws {
        try await CoreHarness.with { harness in
            try await harness.runDeployed { core, port in
                harness.cloud.deploy(wrong.revision, id: "d-2")
                try await eventually("a report of failure") {
                    harness.cloud.reports("d-2").last?.status == .failed
                }
                let report = try #require(harness.cloud.reports("d-2").last)
                #expect(report.reason.contains(wrong.rawValue), "\(report.reason)")
                #expect(core.revision.current == FakeCloud.revision(1, things: ["bme680-1"]))
                #expect(!core.revision.everCarried(thing: "bme680-2"))
                try await harness.echo("bme680-1", port: port)
            }
        }
    }

    @Test("another process with the same identity: the core says so, waits, and comes back")
    func superseded() async throws {
        try await CoreHarness.with { harness in
            try await harness.runDeployed { core, _ in
                let before = core.status.snapshot.attachments
                harness.cloud.endSession(
                    HedgerowError(.aborted, .sessionSuperseded, "a newer attachment took over"))
                try await eventually("being superseded") { core.status.snapshot.superseded == 1 }
                try await eventually("another attachment") { core.status.snapshot.attachments > before }
                #expect(harness.cloud.hellos.last?.activeRevision == 1)
                #expect(harness.cloud.hellos.last?.activeGroup == "hall")
            }
        }
    }

    @Test("a cloud that connects but says nothing is left after the deadline")
    func silentCloud() async throws {
        try await CoreHarness.with { harness in
            harness.cloud.setAnswersHello(false)
            try await harness.cloud.run { ports in
                try harness.writeToken(ports)
                try await harness.run(configure: { $0.timing.welcome = .milliseconds(100) }) { core in
                    try await eventually("a second hello") { harness.cloud.hellos.count >= 2 }
                    #expect(core.status.snapshot.lastError?.contains("did not answer") == true)
                    harness.cloud.setAnswersHello(true)
                    try await eventually("an attachment") { core.status.snapshot.isAttached }
                }
            }
        }
    }

    @Test("a clock that is wrong is said and stops nothing", arguments: [86_400.0 * 51, -86_400])
    func wrongClock(_ offset: TimeInterval) async throws {
        try await CoreHarness.with { harness in
            harness.cloud.setClockOffset(offset)
            try await harness.cloud.run { ports in
                try harness.writeToken(ports)
                try await harness.run { core in
                    try await eventually("an attachment") { core.status.snapshot.isAttached }
                    let ahead = try #require(core.status.snapshot.clockAhead)
                    #expect(abs(Double(ahead.components.seconds) + offset) < 60)
                    // The cloud's time counts where it is later: a certificate of today must not look unborn.
                    #expect(core.parts.clock.now().timeIntervalSinceNow > max(0, offset) - 60)
                }
            }
        }
    }
}
