import Foundation
import GRDB
import Logging
import Messaging
import StreamStore
import TestSupport

let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

/// A real database on disk with the tables of this module.
func withStore<Value>(_ body: (DatabasePool) async throws -> Value) async throws -> Value {
    try await withTemporaryDirectory { directory in
        let pool = try DurableDatabase.open(
            path: directory + "/test.sqlite",
            migrate: { migrator in
                migrator.registerMigration("1") { db in
                    try PublisherCursors.createTable(db)
                    try SubscriberQueue.createTables(db)
                    try DurableStreams.createTables(db)
                    try DurableStreams.addDerivation(db)
                    try DurableStreams.addTraces(db)
                    try DurableStreams.addExports(db)
                    try DurableStreams.addChecksums(db)
                }
            }, logger: quiet)
        defer { try? pool.close() }
        return try await body(pool)
    }
}

/// An epoch that tests tell apart by a number.
func epoch(_ number: UInt8) -> Epoch {
    var generator = SeededGenerator(seed: UInt64(number))
    return Epoch.random(using: &generator)
}

func origin(
    _ thing: String, _ first: UInt64, _ last: UInt64, epoch number: UInt8 = 1, component: String = "",
    rowOffsets: [UInt32] = []
) -> StreamEntry.OriginRange {
    StreamEntry.OriginRange(
        key: OriginKey(thing: thing, epoch: epoch(number), component: component),
        range: SequenceRange(first, last) ?? .init(only: first), rowOffsets: rowOffsets)
}
