import Foundation
import GRPCCore
import HedgerowAPI
import Identity
import PKI
import RPCSupport
import TestSupport
import Testing

@testable import EdgeCore

@Suite("The core without the cloud", .timeLimit(.minutes(3)))
struct OfflineTests {
    @Test("started with the cloud away, it serves with the last revision and certificate (lessons 4, 23)")
    func startsOffline() async throws {
        try await CoreHarness.with { harness in
            try await harness.runDeployed(things: ["a"]) { _, _ in }
            let certificate = try String(contentsOfFile: harness.statePath + "/server.json", encoding: .utf8)
            // The token is spent and gone by now.
            try FileManager.default.removeItem(atPath: harness.tokenPath)
            try await harness.run { core in
                let port = try await core.listeningPort()
                #expect(core.revision.current == FakeCloud.revision(1, things: ["a"]))
                #expect(core.revision.deploymentID == "d-1")
                try await harness.echo("a", port: port)
                let outside = await #expect(throws: RPCError.self) { try await harness.echo("b", port: port) }
                #expect(reason(outside) == .notInGroup)
                #expect(
                    try String(contentsOfFile: harness.statePath + "/server.json", encoding: .utf8)
                        == certificate)
                try await eventually("a failed attempt") { core.status.snapshot.lastError != nil }
                #expect(!core.status.snapshot.isAttached)

                // It attaches by itself when the cloud is there again, and says what it runs.
                try await harness.cloud.run { _ in
                    try await eventually("an attachment") { core.status.snapshot.isAttached }
                    #expect(harness.cloud.hellos.last?.activeRevision == 1)
                }
            }
            #expect(harness.cloud.enrollCalls == 1)
        }
    }

    @Test("the cloud goes away and comes back: the thing's stream does not notice")
    func cloudGoesAndReturns() async throws {
        try await CoreHarness.with { harness in
            let ports = try await harness.cloud.run { $0 }
            try harness.writeToken(ports)
            try await withThrowingTaskGroup(of: Void.self) { group in
                let (stop, stopSink) = AsyncStream.makeStream(of: Void.self)
                group.addTask { try await harness.cloud.run { _ in for await _ in stop {} } }
                try await harness.run { core in
                    try await harness.attachedAndDeployed(
                        core, FakeCloud.revision(1, things: ["a"]), id: "d-1")
                    let port = try await core.listeningPort()
                    try await harness.withThing("a", port: port) { client in
                        try await EchoCall.with(client) { call in
                            try await call.echo()
                            stopSink.finish()
                            try await group.waitForAll()
                            try await eventually("the loss") { !core.status.snapshot.isAttached }
                            try await call.echo()
                            try await harness.cloud.run { _ in
                                try await eventually("an attachment") { core.status.snapshot.isAttached }
                                try await call.echo()
                            }
                        }
                    }
                }
            }
        }
    }

    @Test("told to stop, the whole core ends within moments, with the cloud and without")
    func stopsPromptly() async throws {
        try await CoreHarness.with { harness in
            try await harness.runDeployed { _, _ in }
            for isCloudThere in [true, false] {
                let core = try await CoreServer(configuration: harness.configuration, logger: harness.logger)
                func startAndAsk() async throws -> ContinuousClock.Instant {
                    try await harness.run(core) { core in
                        if isCloudThere {
                            try await eventually("an attachment") { core.status.snapshot.isAttached }
                        }
                        _ = try await core.listeningPort()
                        return .now
                    }
                }
                let told =
                    isCloudThere
                    ? try await harness.cloud.run { _ in try await startAndAsk() } : try await startAndAsk()
                let took = told.duration(to: .now)
                #expect(took < core.parts.configuration.timing.shutdown, "\(took)")
            }
        }
    }

    @Test("a core that is in no group yet attaches, serves nothing, and stops when told")
    func noGroup() async throws {
        try await CoreHarness.with { harness in
            try await harness.cloud.run { ports in
                try harness.writeToken(ports)
                try await harness.run { core in
                    try await eventually("an attachment") { core.status.snapshot.isAttached }
                    #expect(harness.cloud.certificateRequests == 0)
                    #expect(core.revision.current == nil)
                }
            }
        }
    }
}
