import Foundation
import GRDB
import Logging
import TestSupport
import Testing

@testable import StreamStore

@Suite("Looking at a database")
struct DatabaseInspectionTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test func aRunningProgramsDatabaseIsReadBesideIt() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/a.sqlite"
            let pool = try DurableDatabase.open(
                path: path,
                migrate: { migrator in
                    migrator.registerMigration("1") { try $0.execute(sql: "CREATE TABLE t (x INTEGER)") }
                }, logger: logger)
            try pool.write { db in
                try db.execute(sql: "INSERT INTO t VALUES (7)")
                // The program is in the middle of a transaction of its own.
                let (inspection, value) = try DatabaseInspection.inspect(path: path) { db in
                    try Int.fetchOne(db, sql: "SELECT count(*) FROM t")
                }
                #expect(inspection.isSound)
                #expect(value == 0)
            }
            #expect(throws: StorageError.self) {
                _ = try DatabaseInspection.inspect(path: path) {
                    try $0.execute(sql: "INSERT INTO t VALUES (8)")
                }
            }
            #expect(try pool.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM t") } == 1)
            try pool.close()
        }
    }

    @Test func whatIsNoDatabaseOrIsNotThereIsSaid() async throws {
        try await withTemporaryDirectory { directory in
            #expect(throws: StorageError.self) {
                _ = try DatabaseInspection.inspect(path: directory + "/none.sqlite") { _ in }
            }
            #expect(!FileManager.default.fileExists(atPath: directory + "/none.sqlite"))
            let path = directory + "/b.sqlite"
            try Data(repeating: 0x41, count: 8_192).write(to: URL(fileURLWithPath: path))
            #expect(throws: StorageError.self) { _ = try DatabaseInspection.inspect(path: path) { _ in } }
            let plain = directory + "/c.sqlite"
            let queue = try DatabaseQueue(path: plain)
            try await queue.write { try $0.execute(sql: "CREATE TABLE t (x)") }
            try queue.close()
            let (inspection, _) = try DatabaseInspection.inspect(path: plain) { _ in }
            #expect(inspection.journalMode == "delete")
            #expect(!inspection.isSound)
        }
    }
}
