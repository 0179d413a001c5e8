import Foundation
import Logging
import StreamStore
import TestSupport
import Testing
import ThingClient

@testable import Cloud
@testable import EdgeCore

/// An acknowledgement means that the disk has it: shown by the system calls, not by our own word.
@Suite(.serialized) struct SyncTests {
    enum Server: String, CaseIterable, CustomTestStringConvertible {
        case core, cloud
        var testDescription: String { rawValue }
    }

    @Test(
        "each of 100 lone QoS 1 publishes is synced before its acknowledgement",
        .enabled("strace is missing or may not trace here; scripts/bootstrap.sh installs it") {
            try await SystemCallTrace.isAllowed()
        }, arguments: Server.allCases)
    func everyAcknowledgementFollowsASync(_ server: Server) async throws {
        try await ProcessFleet.with { fleet in
            let cloud = try await fleet.startCloud()
            let admin = try await FleetOperator(enrollingIn: fleet)
            try await admin.register(cores: ["core-a"], things: ["press-1"])
            try await admin.apply(group: "mill", cores: ["core-a"], things: ["press-1"])
            let core = try await fleet.startCore("core-a", waits: false)
            try await admin.deploy(group: "mill")
            try await fleet.waitForPorts("core-a", core)

            var configuration = ThingConfiguration(
                token: fleet.tokenPath("press-1"), state: fleet.statePath("press-1"))
            configuration.direct = server == .cloud
            let thing = try Thing(configuration: configuration)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await thing.run() }
                try await thing.publishAndWait("press/readings", ["sequence": 0])
                // Nobody else is to make the traced program sync: neither the cloud's acknowledgements to the
                // core, nor what the core brings to the cloud.
                try await (server == .core ? cloud : core).kill9()
                let trace = try await SystemCallTrace(of: server == .core ? core : cloud, in: fleet)
                var least = Int.max
                for number in 1...100 {
                    let before = trace.completedSyncs()
                    try await thing.publishAndWait("press/readings", ["sequence": .integer(Int64(number))])
                    least = min(least, trace.completedSyncs() - before)
                }
                print("sync test: \(server.rawValue): 100 lone publishes, \(trace.completedSyncs()) syncs")
                #expect(least >= 1, "an acknowledgement came without a sync since the publish before it")
                #expect(trace.completedSyncs() >= 100)
                group.cancelAll()
                while (try? await group.next()) != nil {}
            }
        }
    }

    @Test("the databases of core and cloud run with synchronous = FULL") func synchronousIsFull() async throws
    {
        try await withTemporaryDirectory { directory in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let core = try CoreDatabase.open(path: directory + "/core.sqlite", logger: logger)
            #expect(try DurableDatabase.synchronous(of: core) == 2)
            let cloud = try CloudDatabase(
                path: directory + "/cloud.sqlite", parts: CloudServer.telemetryMigrations, logger: logger)
            #expect(try DurableDatabase.synchronous(of: cloud.pool) == 2)
        }
    }
}
