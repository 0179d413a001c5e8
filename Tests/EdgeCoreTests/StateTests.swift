import Foundation
import GRDB
import HedgerowAPI
import Identity
import PKI
import RPCSupport
import StreamStore
import TestSupport
import Testing

@testable import EdgeCore

@Suite("The core's state directory", .timeLimit(.minutes(3)))
struct StateTests {
    /// Ways in which a state directory may be broken, and what the core must say.
    enum Damage: CaseIterable {
        case databaseEmpty, databaseMissing, identityDamaged

        var reason: StateError.Reason? {
            switch self {
            case .databaseEmpty, .databaseMissing: .incomplete
            case .identityDamaged: nil
            }
        }

        func inflict(_ state: StateDirectory) throws {
            let database = URL(fileURLWithPath: state.databasePath)
            let rest = [state.databasePath + "-wal", state.databasePath + "-shm"]
            switch self {
            case .databaseEmpty:
                try Data().write(to: database)
                for path in rest { try? FileManager.default.removeItem(atPath: path) }
            case .databaseMissing:
                for path in rest + [state.databasePath] { try? FileManager.default.removeItem(atPath: path) }
            case .identityDamaged:
                try Data("".utf8).write(to: URL(fileURLWithPath: state.identityPath + "/identity.json"))
            }
        }
    }

    @Test(
        "what cannot be read is an error with advice, never a new start (lesson 1)",
        arguments: Damage.allCases)
    func damage(_ damage: Damage) async throws {
        try await CoreHarness.with { harness in
            try await harness.runDeployed { _, _ in }
            try damage.inflict(StateDirectory(path: harness.statePath))
            // The cloud is there and would even take the token again: it must not be asked.
            try await harness.cloud.run { _ in
                let error = await #expect(throws: (any Error).self) { _ = try await harness.makeCore() }
                let text = "\(error.map { "\($0)" } ?? "")"
                if let reason = damage.reason {
                    #expect((error as? StateError)?.reason == reason, "\(text)")
                } else {
                    #expect(error is IdentityFileError)
                }
                #expect(text.contains("restore") && text.contains(harness.statePath), "\(text)")
            }
            #expect(harness.cloud.enrollCalls == 1)
            // And the lock was given back.
            _ = try StateLock(directory: harness.statePath)
        }
    }

    @Test("a core whose database is no database any more keeps it, and waits for the cloud's deployment")
    func garbage() async throws {
        try await CoreHarness.with { harness in
            try await harness.runDeployed { _, _ in }
            let state = StateDirectory(path: harness.statePath)
            try Data(repeating: 0x5a, count: 8_192).write(to: URL(fileURLWithPath: state.databasePath))
            for suffix in ["-wal", "-shm"] {
                try? FileManager.default.removeItem(atPath: state.databasePath + suffix)
            }
            let core = try await harness.makeCore()
            #expect(core.revision.running == nil)
            #expect(core.name == "pi-1")
            let files = try FileManager.default.contentsOfDirectory(atPath: harness.statePath)
            #expect(files.contains { $0.hasPrefix("core.sqlite.damaged-") }, "\(files)")
            let reports = try await core.parts.database.read { try SalvageReport.all($0) }
            #expect(reports.count == 1)
        }
    }

    @Test("a deployment that is not the one that was stored is forgotten, and the core waits for the cloud's")
    func damagedDeployment() async throws {
        try await CoreHarness.with { harness in
            try await harness.runDeployed { _, _ in }
            let queue = try DatabaseQueue(path: StateDirectory(path: harness.statePath).databasePath)
            try await queue.write { db in
                try db.execute(sql: "UPDATE active_deployment SET definition = x'00112233'")
            }
            try queue.close()
            let core = try await harness.makeCore()
            #expect(core.revision.running == nil)
        }
    }

    @Test("a second process is refused while the first runs")
    func lock() async throws {
        try await CoreHarness.with { harness in
            try await harness.runDeployed { _, _ in
                let error = await #expect(throws: StateError.self) { _ = try await harness.makeCore() }
                #expect(error?.reason == .locked)
                #expect(
                    error?.description.contains("process \(ProcessInfo.processInfo.processIdentifier)")
                        == true)
            }
            _ = try await harness.makeCore()
        }
    }

    @Test("without identity and token, the core says how to get one")
    func notEnrolled() async throws {
        try await CoreHarness.with { harness in
            let error = await #expect(throws: StateError.self) {
                _ = try await harness.makeCore { $0.tokenPath = nil }
            }
            #expect(error?.reason == .notEnrolled)
            #expect(error?.description.contains("--token") == true)
        }
    }

    @Test("a token for a thing makes no core, and is not spent")
    func wrongRole() async throws {
        try await CoreHarness.with { harness in
            try await harness.cloud.run { ports in
                let thing = try Principal(role: .thing, name: "bme680-1")
                try harness.cloud.tokenFile(thing, ports: ports).write(to: harness.tokenPath)
                let error = await #expect(throws: StateError.self) { _ = try await harness.makeCore() }
                #expect(error?.reason == .foreign)
                #expect(harness.cloud.enrollCalls == 0)
            }
        }
    }

    @Test("a database of another core is refused before the token is spent")
    func foreignDatabase() async throws {
        try await CoreHarness.with { harness in
            try await harness.runDeployed { _, _ in }
            try FileManager.default.removeItem(atPath: harness.statePath + "/identity")
            try await harness.cloud.run { ports in
                let other = try Principal(role: .core, name: "pi-2")
                try harness.cloud.tokenFile(other, ports: ports).write(to: harness.tokenPath)
                let error = await #expect(throws: StateError.self) { _ = try await harness.makeCore() }
                #expect(error?.reason == .foreign)
                #expect(harness.cloud.enrollCalls == 1)
            }
        }
    }

    @Test("the database is really synced, and keys are for nobody else")
    func durableAndPrivate() async throws {
        try await CoreHarness.with { harness in
            try await harness.runDeployed { core, _ in
                #expect(try DurableDatabase.synchronous(of: core.parts.database) == 2)
                for file in ["identity/identity.json", "server.json"] {
                    let path = harness.statePath + "/" + file
                    let mode =
                        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
                    #expect(mode == 0o600, "\(file)")
                }
            }
        }
    }

    @Test("a revision is applied whole or not at all")
    func atomicApply() async throws {
        struct Stop: Error {}
        try await withTemporaryDirectory { directory in
            let logger = CoreHarnessLogger.silent
            let database = try CoreDatabase.open(path: directory + "/core.sqlite", logger: logger)
            let active = try await ActiveRevision(database: database)
            try await active.apply(FakeCloud.revision(1, things: ["a"]), deploymentID: "d-1")
            await #expect(throws: Stop.self) {
                try await active.apply(FakeCloud.revision(2, things: ["b"]), deploymentID: "d-2") { _ in
                    throw Stop()
                }
            }
            for revision in [active, try await ActiveRevision(database: database)] {
                #expect(revision.current?.revision == 1 && revision.deploymentID == "d-1")
                #expect(revision.carries(thing: "a") && !revision.everCarried(thing: "b"))
            }
            let removed = try await active.apply(FakeCloud.revision(3, things: ["b"]), deploymentID: "d-3")
            #expect(removed == ["a"])
            let reread = try await ActiveRevision(database: database)
            #expect(
                reread.everCarried(thing: "a") && !reread.carries(thing: "a") && reread.carries(thing: "b"))
        }
    }

    @Test("who follows the revision gets the one that runs, then the newest")
    func changes() async throws {
        try await withTemporaryDirectory { directory in
            let database = try CoreDatabase.open(
                path: directory + "/core.sqlite", logger: CoreHarnessLogger.silent)
            let active = try await ActiveRevision(database: database)
            try await active.apply(FakeCloud.revision(1, things: ["a"]), deploymentID: "d-1")
            var iterator = active.changes().makeAsyncIterator()
            #expect(await iterator.next()?.revision == 1)
            for number in UInt64(2)...4 {
                try await active.apply(FakeCloud.revision(number, things: ["a"]), deploymentID: "d-\(number)")
            }
            #expect(await iterator.next()?.revision == 4)
        }
    }

    @Test("the list of revoked certificates is replaced whole and kept")
    func revokedList() async throws {
        try await withTemporaryDirectory { directory in
            let database = try CoreDatabase.open(
                path: directory + "/core.sqlite", logger: CoreHarnessLogger.silent)
            let revoked = try await RevokedCertificates(database: database)
            #expect(try await revoked.replace(with: ["0a", "0b"]) == ["0a", "0b"])
            #expect(try await revoked.replace(with: ["0b", "0c", "0c"]) == ["0c"])
            for list in [revoked, try await RevokedCertificates(database: database)] {
                #expect(!list.contains("0a") && list.contains("0b") && list.contains("0c") && list.count == 2)
            }
        }
    }
}
