import Foundation
import GRDB
import Shadows
import Testing

@testable import ShadowStore

/// A database with nothing but shadows, in memory.
func shadowDatabase() throws -> DatabaseQueue {
    let queue = try DatabaseQueue()
    var migrator = DatabaseMigrator()
    ShadowSchema.register(in: &migrator)
    try migrator.migrate(queue)
    return queue
}

/// Microseconds of a second.
func seconds(_ count: Int64) -> Int64 { count * 1_000_000 }

extension DatabaseQueue {
    /// Runs work in a transaction of its own.
    @discardableResult
    func shadows<Value>(
        _ side: ShadowSide = .core, limits: ShadowLimits = .local, depth: Int = 20,
        at time: Int64 = seconds(1),
        by author: String = "thing:t", _ work: (ShadowTransaction) throws -> Value
    ) throws -> Value {
        try write { db in
            try work(
                ShadowTransaction(
                    db, side: side, limits: limits, historyDepth: depth, now: time, author: author))
        }
    }
}

/// An update from its JSON text.
func update(_ text: String) throws -> ShadowUpdate {
    try ShadowUpdate(parsing: text.utf8, limits: .local)
}

/// A key.
func key(_ thing: String, _ name: String = "") throws -> ShadowKey {
    try ShadowKey(thing: thing, name: name)
}
