import Components
import Foundation
import HedgerowAPI
import RPCSupport
import StreamStore
import SwiftProtobuf
import TestSupport
import Testing

@testable import EdgeCore

/// The example of a component in Swift, against the core's own server.
@Suite("The component in Swift", .timeLimit(.minutes(3))) struct SwiftExampleTests {
    private static var executable: URL? {
        Bundle.main.executableURL?.deletingLastPathComponent().appendingPathComponent("vibration-rms")
    }

    private func start(_ environment: [String: String]) throws -> Process {
        let process = Process()
        process.executableURL = Self.executable
        process.environment = environment
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    @Test("takes each reading into exactly one mean, also where it is killed in between") func means()
        async throws
    {
        try await ComponentAPIFixture.with { api in
            try await api.run(
                [
                    ("thing:a", "vibration/raw", "component:rms", ""),
                    ("component:rms", "vibration/rms", "cloud", ""),
                ], [try program("rms")])
            let (token, caller) = api.tokens.issue(for: try api.component("rms"))
            defer { api.tokens.withdraw(caller) }
            let environment = [
                "HEDGEROW_SOCKET": api.socket, "HEDGEROW_TOKEN": token, "SECONDS": "0.2",
            ]
            try await api.ingest([
                readings(1, 4, topic: "vibration/raw") { ["acceleration": $0 % 2 == 0 ? 3 : 4] }
            ])
            // The first has the readings in hand, and never gets to its mean.
            var slow = environment
            slow["SECONDS"] = "3600"
            let first = try start(slow)
            try await eventually("the first receives") { api.core.parts.inboxes.isReceived("rms") }
            kill(first.processIdentifier, SIGKILL)
            first.waitUntilExit()
            let second = try start(environment)
            defer {
                kill(second.processIdentifier, SIGKILL)
                second.waitUntilExit()
            }
            try await eventually("an empty inbox") { try await api.waiting("rms") == 0 }
            try await api.ingest([
                readings(5, 5, topic: "vibration/raw") { _ in ["acceleration": 2] },
                readings(6, 6, topic: "vibration/raw") { _ in ["temperature": 20] },
            ])
            try await eventually("an empty inbox") { try await api.waiting("rms") == 0 }
            let entries = try await api.core.drained().derived
            var means: [(rms: Double, readings: Int64)] = []
            for entry in entries {
                let batch = try Hedgerow_Type_V1_Batch(serializedBytes: entry.payload)
                let values = batch.message(row: 0).reading.values
                means.append((values["rms"]?.doubleValue ?? 0, values["readings"]?.integerValue ?? 0))
            }
            #expect(means.map(\.readings).reduce(0, +) == 5)
            #expect(means.last?.rms == 2 && means.last?.readings == 1)
            #expect(means.first.map { abs($0.rms - 12.5.squareRoot()) < 1e-9 } == true)
        }
    }

    @Test("says where it belongs when nobody runs it as a component") func alone() async throws {
        let process = try start([:])
        process.waitUntilExit()
        #expect(process.terminationStatus == 64)
    }
}
