import Foundation
import GRDB
import StreamStore
import TestSupport
import Testing

@Suite struct DurableDatabaseTests {
    private func open(_ path: String, migrations: [String] = ["1"]) throws -> DatabasePool {
        try DurableDatabase.open(
            path: path,
            migrate: { migrator in
                for name in migrations {
                    migrator.registerMigration(name) { db in
                        try db.execute(sql: "CREATE TABLE t\(name) (a INTEGER PRIMARY KEY, b BLOB)")
                    }
                }
            }, logger: quiet)
    }

    private func error(_ body: () throws -> DatabasePool) -> StorageError? {
        do {
            try body().close()
            return nil
        } catch {
            #expect(error is StorageError, "\(error)")
            return error as? StorageError
        }
    }

    @Test func commitsAreSyncedAlsoAfterAnotherOpening() async throws {
        try await withTemporaryDirectory { directory in
            for _ in 0..<2 {
                let pool = try open(directory + "/a.sqlite")
                #expect(try DurableDatabase.synchronous(of: pool) == 2)
                #expect(try await pool.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") } == "wal")
                try pool.close()
            }
        }
    }

    @Test func aFileThatIsNoDatabaseIsDamaged() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/a.sqlite"
            try Data(repeating: 7, count: 8_192).write(to: URL(fileURLWithPath: path))
            guard case .damaged(path, _)? = error({ try open(path) }) else {
                Issue.record("not refused as damaged")
                return
            }
        }
    }

    @Test func aDamagedPageIsFoundWhenOpening() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/a.sqlite"
            let pool = try open(path)
            try await pool.write { db in
                for _ in 0..<2_000 { try db.execute(sql: "INSERT INTO t1 (b) VALUES (randomblob(200))") }
            }
            // What stands in the log would hide the damage.
            try await pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
            try pool.close()
            var file = try Data(contentsOf: URL(fileURLWithPath: path))
            let middle = file.count / 2 / 4_096 * 4_096
            file.replaceSubrange(middle..<middle + 2_048, with: Data(repeating: 0xEE, count: 2_048))
            try file.write(to: URL(fileURLWithPath: path))
            let refusal = error { try open(path) }
            guard case .damaged? = refusal else {
                Issue.record("not refused as damaged: \(String(describing: refusal))")
                return
            }
        }
    }

    @Test func aFileOfANewerVersionIsRefusedAndLeftAlone() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/a.sqlite"
            try open(path, migrations: ["1", "2"]).close()
            guard case .newerVersion(path)? = error({ try open(path) }) else {
                Issue.record("not refused as newer")
                return
            }
            try open(path, migrations: ["1", "2"]).close()
        }
    }

    @Test func aMissingFolderIsSaidToBeInaccessible() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/nowhere/a.sqlite"
            guard let error = error({ try open(path) }), case .inaccessible = error else {
                Issue.record("not refused as inaccessible")
                return
            }
            #expect(error.description.contains(path))
            #expect(error.description.contains("folder"))
        }
    }
}
