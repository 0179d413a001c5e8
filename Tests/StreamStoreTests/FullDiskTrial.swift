import Foundation
import GRDB
import Messaging
import TestSupport

@testable import StreamStore

/// A stream on a small disk that fills and is emptied, step by step.
struct FullDiskTrial {
    let pool: DatabasePool
    let committer: GroupCommitter
    let room: DiskRoom
    private(set) var appended: UInt64 = 0

    static let ballast: Int64 = 4 << 20
    private static let limits = StreamLimits(maximumBytes: 1 << 40, overwritesOldest: false)

    init(directory: String) throws {
        pool = try DurableDatabase.open(
            path: directory + "/core.sqlite",
            migrate: { migrator in
                migrator.registerMigration("1") { db in
                    try DurableStreams.createTables(db)
                    try DurableStreams.addDerivation(db)
                    try DurableStreams.addTraces(db)
                    try DurableStreams.addChecksums(db)
                    try DurableStreams.addExports(db)
                }
            }, logger: quiet)
        room = DiskRoom(database: pool.path, ballast: Self.ballast, logger: quiet)
        committer = GroupCommitter(pool: pool, room: room, logger: quiet)
    }

    /// Appends a batch of 100 KiB; false where the disk is full.
    mutating func append() async throws -> Bool {
        let number = appended + 1
        let batch = StreamBatch(
            payload: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 100 << 10),
            origin: origin("a", number, number), receiveTime: 1, isReceiveTimeDoubtful: false)
        do {
            _ = try await committer.commit(needsRoom: true) { db in
                try DurableStreams(db).append(
                    batch, count: 1, to: "s", epoch: epoch(1), limits: Self.limits, overwrittenReason: 2)
            }
        } catch StorageError.full {
            return false
        }
        appended = number
        return true
    }

    /// Appends until the disk is full.
    mutating func fill() async throws {
        while try await append() {}
    }

    /// Reads, checks and acknowledges so many of the oldest batches.
    func export(_ count: Int) async throws -> Int {
        let current = try await pool.read { try DurableStreams($0).epochs(of: "s", current: nil).last }
        guard let current else { return 0 }
        let entries = try await pool.read { db in
            try DurableStreams(db).entries(
                of: current, after: current.acknowledged, limit: count, maximumBytes: .max)
        }
        for entry in entries {
            guard case .batch(let batch) = entry.content,
                batch.payload.allSatisfy({ $0 == UInt8(truncatingIfNeeded: entry.positions.first) })
            else { throw DamageTrial.Broken(description: "\(entry) is not what was appended") }
        }
        guard let last = entries.last?.positions.last else { return 0 }
        try await committer.commit { db in try DurableStreams(db).acknowledge(current, through: last) }
        return entries.count
    }
}
