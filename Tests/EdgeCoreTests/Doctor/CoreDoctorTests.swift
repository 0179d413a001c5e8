import Foundation
import GRDB
import HedgerowAPI
import Identity
import PKI
import RPCSupport
import SwiftProtobuf
import TestSupport
import Testing

@testable import EdgeCore

@Suite("The doctor of the core", .timeLimit(.minutes(3)))
struct CoreDoctorTests {
    func examine(
        _ harness: CoreHarness, configure: (inout CoreConfiguration) -> Void = { _ in }, now: Date? = nil
    ) async -> [String: DoctorFinding] {
        var configuration = harness.configuration
        configure(&configuration)
        let report = await CoreDoctor(configuration: configuration, now: { now ?? Date() }).examine()
        return Dictionary(report.findings.map { ($0.check, $0) }) { first, _ in first }
    }

    @Test func aNewCoreIsToldWhatItLacks() async throws {
        try await CoreHarness.with { harness in
            let before = await examine(harness) { $0.tokenPath = nil }
            #expect(before["state.directory"]?.verdict == .failure)
            #expect(before["identity"]?.verdict == .failure)
            #expect(before["identity"]?.advice?.contains("--token FILE") == true)
            #expect(before["database"]?.verdict == .skipped)
            let cloud = [NetworkEndpoint(host: "127.0.0.1", port: 1)]
            try TokenFile(
                role: .core, name: "pi-1", cloud: cloud, enrollment: cloud,
                rootCertificate: harness.cloud.root.certificatePEM, token: "secret",
                expireTime: Date().addingTimeInterval(3_600), trustDomain: FakeCloud.trustDomain
            ).write(to: harness.tokenPath)
            #expect(await examine(harness)["identity"]?.verdict == .warning, "it has a token")
            let late = await examine(harness, now: Date().addingTimeInterval(86_400 * 30))
            #expect(late["identity"]?.verdict == .failure, "which expires")
            #expect(!FileManager.default.fileExists(atPath: harness.statePath), "nothing is made")
        }
    }

    @Test func aRunningCoreIsWellAndIsLeftAlone() async throws {
        try await CoreHarness.with { harness in
            try await harness.runDeployed { core, _ in
                let found = await examine(harness)
                let failed = found.values.filter { $0.verdict == .failure }
                #expect(failed.isEmpty, "\(failed)")
                for check in [
                    "state.directory", "state.secrets", "identity", "database", "certificate.chain",
                    "certificate.times", "certificate.server", "certificate.server.chain", "cloud.connection",
                    "core",
                ] {
                    #expect(found[check]?.verdict == .good, "\(check): \(String(describing: found[check]))")
                }
                #expect(core.status.snapshot.isAttached, "the attachment stands")
            }
            let stopped = await examine(harness)
            #expect(stopped["core"]?.verdict == .skipped)
            #expect(stopped["cloud.connection"]?.verdict == .failure, "the cloud is away")
            #expect(stopped["certificate.chain"]?.verdict == .good)
        }
    }

    @Test func whatIsBrokenIsFound() async throws {
        try await CoreHarness.with { harness in
            try await harness.runDeployed { _, _ in }
            let state = harness.statePath
            #expect(chmod(state + "/identity/key.pem", 0o644) == 0)
            try "4102444800\n".write(toFile: state + "/clock", atomically: true, encoding: .utf8)
            let found = await examine(harness)
            #expect(found["state.secrets"]?.verdict == .failure)
            #expect(found["clock.floor"]?.verdict == .failure, "the clock was once in 2100")
            #expect(
                found["certificate.times"]?.verdict == .failure, "at the time that counts, it has expired")
            try FileManager.default.removeItem(atPath: state + "/clock")
            let expired = await examine(harness, now: Date().addingTimeInterval(86_400 * 400))
            #expect(expired["certificate.times"]?.verdict == .failure)
            // A page in the middle of the database is written over.
            let queue = try DatabaseQueue(path: state + "/core.sqlite")
            _ = try await queue.writeWithoutTransaction { try $0.checkpoint(.truncate) }
            try queue.close()
            let file = try #require(FileHandle(forUpdatingAtPath: state + "/core.sqlite"))
            try file.seek(toOffset: 4_096)
            try file.write(contentsOf: Data(repeating: 0xAB, count: 16_384))
            try file.close()
            #expect(await examine(harness)["database"]?.verdict == .failure)
            try FileManager.default.removeItem(atPath: state + "/core.sqlite")
            #expect(await examine(harness)["database"]?.verdict == .failure, "enrolled without a database")
            #expect(
                await examine(harness) { $0.listenHost = "nowhere" }["address.listen"]?.verdict == .failure)
        }
    }

    @Test func theTemperatureIsLookedForWhereAComponentNeedsIt() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/core.sqlite"
            let pool = try CoreDatabase.open(path: path, logger: CoreHarnessLogger.silent)
            let recipe = """
                kind: Component
                name: compensate
                version: 1.0.0
                transform:
                  - let: {cpu: 'cpuTemperature(duration("8s"))'}
                  - set: {cpu_temperature: {value: cpu, unit: °C}}
                  - publish: corrected
                access: {host: [cpu_temperature]}

                """
            var revision = FakeCloud.revision(1, things: ["t"])
            revision.lock = [
                .with {
                    $0.instance = "compensate-1"
                    $0.component = "compensate"
                    $0.version = "1.0.0"
                    $0.recipeDigest = FakeCloud.digest(recipe)
                }
            ]
            let definition = try revision.serializedData()
            try await pool.write { db in
                #expect(try CoreDoctor.componentsWithTemperature(db).isEmpty)
                try db.execute(
                    sql: """
                        INSERT INTO active_deployment
                            (id, deployment_id, group_name, revision, definition, digest, apply_time)
                        VALUES (1, 'd', 'hall', 1, ?, x'', 0)
                        """,
                    arguments: [definition])
                try db.execute(
                    sql: "INSERT INTO recipe VALUES ('compensate', '1.0.0', ?, ?)",
                    arguments: [FakeCloud.digest(recipe), recipe])
                #expect(try CoreDoctor.componentsWithTemperature(db) == ["compensate-1"])
            }
            try pool.close()
        }
    }
}
