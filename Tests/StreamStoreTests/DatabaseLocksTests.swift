import Foundation
import GRDB
import TestSupport
import Testing

@testable import StreamStore

/// A backup program comes and goes while the database is open here.
@Suite(.timeLimit(.minutes(2))) struct DatabaseLocksTests {
    /// Opens the database as `sqlite3` does, counts, and closes it; in a process of its own, as locks are of processes.
    private func countElsewhere(_ path: String) throws -> Int {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "python3", "-c",
            "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); print(c.execute('SELECT count(*) FROM t').fetchone()[0]); c.close()",
            path,
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        process.waitUntilExit()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        return try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    @Test func lookingAtTheDiskKeepsTheLocksOfTheDatabase() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/core.sqlite"
            let pool = try DurableDatabase.open(
                path: path,
                migrate: { migrator in
                    migrator.registerMigration("1") { try $0.execute(sql: "CREATE TABLE t (n INTEGER)") }
                }, logger: quiet)
            defer { try? pool.close() }
            let room = DiskRoom(database: path, ballast: 1 << 20, logger: quiet)
            for number in 1...3 {
                try await pool.writeWithoutTransaction { db in
                    try room.look(db)
                    try db.execute(sql: "INSERT INTO t VALUES (?)", arguments: [number])
                    try room.look(db)
                }
                // Without its locks, the other would take itself for the last one and take the log away, and with it
                // everything that is written from then on.
                #expect(try countElsewhere(path) == number)
                #expect(FileManager.default.fileExists(atPath: path + "-wal"))
            }
        }
    }
}
