import Foundation
import GRDB
import TestSupport
import Testing

@testable import StreamStore

/// Saving what can be read, case by case; `DamagedFilesTests` has the many.
@Suite struct DatabaseSalvageTests {
    private func open(
        _ path: String, migrations: [String] = ["1"], now: Date = Date()
    ) throws -> DatabasePool {
        try DurableDatabase.open(
            path: path,
            migrate: { migrator in
                for name in migrations {
                    migrator.registerMigration(name) { db in
                        try db.execute(
                            sql: "CREATE TABLE t\(name) (a INTEGER PRIMARY KEY, b BLOB, c TEXT) STRICT")
                        if name == "1" { try SalvageReport.createTable(db) }
                    }
                }
            }, recovery: DatabaseRecovery(), now: now, logger: quiet)
    }

    /// Rows `1...count`, each in a transaction of its own, as a killed process leaves them: all in the log.
    private func killed(_ path: String, rows count: Int) throws {
        let whole = path + "-whole"
        let pool = try open(whole)
        _ = try pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        for number in 1...count {
            try pool.write { db in
                try db.execute(
                    sql: "INSERT INTO t1 (a, b, c) VALUES (?, zeroblob(3000), 'text')", arguments: [number])
            }
        }
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: whole + suffix, toPath: path + suffix)
        }
        try pool.close()
    }

    private func change(_ path: String, _ body: (inout Data) -> Void) throws {
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        body(&bytes)
        try bytes.write(to: URL(fileURLWithPath: path))
    }

    private func rows(_ pool: DatabasePool) throws -> [Int] {
        try pool.read { try Int.fetchAll($0, sql: "SELECT a FROM t1 ORDER BY a") }
    }

    private func reports(_ pool: DatabasePool) throws -> Int {
        try pool.read { try SalvageReport.all($0).count }
    }

    private func setAside(in directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory).filter {
            $0.contains(".damaged-") && !$0.hasSuffix("-wal")
        }.sorted()
    }

    @Test func whatWasCommittedBehindADamagedFrameOfTheLogIsNotLost() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/a.sqlite"
            try killed(path, rows: 20)
            // SQLite alone would end the log there, and forget what was acknowledged since.
            try change(path + "-wal") { $0[$0.count / 3 / 4_120 * 4_120 + 32 + 24 + 2_000] ^= 1 }
            let pool = try open(path)
            let rows = try rows(pool)
            #expect(rows.last == 20 && rows.count >= 18, "\(rows)")
            #expect(try reports(pool) == 1)
            #expect(try setAside(in: directory).count == 1)
            try pool.close()
        }
    }

    @Test func aDamagedHeaderOfTheLogIsNoReasonToForgetIt() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/a.sqlite"
            try killed(path, rows: 20)
            try change(path + "-wal") { $0.replaceSubrange(0..<24, with: Data(repeating: 0, count: 24)) }
            let pool = try open(path)
            #expect(try rows(pool) == Array(1...20))
            try pool.close()
        }
    }

    @Test("a last transaction that was never finished is no damage", arguments: [1, 100, 4_000])
    func tornEnd(_ bytes: Int) async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/a.sqlite"
            try killed(path, rows: 20)
            try change(path + "-wal") { log in
                log.replaceSubrange(log.count - bytes..<log.count, with: Data(repeating: 7, count: bytes))
            }
            let pool = try open(path)
            #expect(try rows(pool) == Array(1...19))
            #expect(try reports(pool) == 0)
            try pool.close()
        }
    }

    @Test func rowsSurviveWithoutTheSchemaThatNamesTheirTable() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/a.sqlite"
            try killed(path, rows: 20)
            try FileManager.default.removeItem(atPath: path + "-wal")
            let whole = try open(path + "-whole")
            try DurableDatabase.close(whole)
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.copyItem(atPath: path + "-whole", toPath: path)
            try change(path) { $0.replaceSubrange(0..<4_096, with: Data(repeating: 0, count: 4_096)) }
            let pool = try DurableDatabase.open(
                path: path,
                migrate: { migrator in
                    migrator.registerMigration("1") { db in
                        try db.execute(sql: "CREATE TABLE t1 (a INTEGER PRIMARY KEY, b BLOB, c TEXT) STRICT")
                    }
                }, recovery: DatabaseRecovery(strayTables: ["t1"]), logger: quiet)
            #expect(try rows(pool) == Array(1...20))
            try pool.close()
        }
    }

    @Test func anInterruptedExchangeIsEndedByTheNextStart() async throws {
        for moved in [false, true] {
            try await withTemporaryDirectory { directory in
                let path = directory + "/a.sqlite"
                try killed(path, rows: 20)
                // A repaired file that is whole, and the old one with its log, at its place or already away.
                let repaired = try open(directory + "/b.sqlite")
                try repaired.write { try $0.execute(sql: "INSERT INTO t1 (a) VALUES (777)") }
                try DurableDatabase.close(repaired)
                try FileManager.default.moveItem(atPath: directory + "/b.sqlite", toPath: path + ".salvaged")
                if moved { try FileManager.default.moveItem(atPath: path, toPath: path + ".damaged-x") }
                let pool = try open(path)
                #expect(try rows(pool) == [777], "the old file's log must not be applied to the new one")
                try pool.close()
            }
        }
    }

    @Test func aDamagedFileOfANewerVersionIsLeftAlone() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/a.sqlite"
            try open(path, migrations: ["1", "2"]).close()
            DurableDatabase.requestRecovery(path: path)
            let before = try Data(contentsOf: URL(fileURLWithPath: path))
            #expect {
                try open(path).close()
            } throws: { error in
                if case StorageError.newerVersion = error { true } else { false }
            }
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
            #expect(try setAside(in: directory).isEmpty)
        }
    }

    @Test func onlyTheLastDamagedFilesAreKept() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/a.sqlite"
            try open(path).close()
            for number in 1...4 {
                DurableDatabase.requestRecovery(path: path)
                let pool = try open(path, now: Date(timeIntervalSince1970: Double(number) * 86_400))
                try pool.close()
            }
            #expect(
                try setAside(in: directory) == [
                    "a.sqlite.damaged-19700104T000000Z", "a.sqlite.damaged-19700105T000000Z",
                ])
            // And the reports went from file to file.
            let pool = try open(path)
            #expect(try reports(pool) == 4)
            try pool.close()
        }
    }

    @Test func damageThatIsMetWhileRunningEndsTheCommitterAndIsRepairedAtTheNextStart() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/a.sqlite"
            let pool = try open(path)
            let committer = GroupCommitter(pool: pool, endsWhenDamaged: true, logger: quiet)
            let run = Task { try await committer.run() }
            try await committer.commit { try $0.execute(sql: "INSERT INTO t1 (a) VALUES (1)") }
            await #expect(throws: StorageError.self) {
                try await committer.commit { _ in throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
            }
            await #expect(throws: StorageError.self) { try await run.value }
            try pool.close()
            let again = try open(path)
            #expect(try rows(again) == [1])
            #expect(try reports(again) == 1)
            try again.close()
        }
    }
}
