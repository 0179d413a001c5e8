import Foundation
import GRDB
import Messaging
import TestSupport

@testable import StreamStore

/// A database with some thousand batches, and what must be left of it after any damage.
struct DamageTrial {
    /// A promise that was broken.
    struct Broken: Error, CustomStringConvertible {
        let description: String
    }

    /// What was done to a copy of the files.
    enum Damage: CaseIterable {
        case flippedBits, lostSector, truncated, flippedBitsInLog, lostSectorInLog, truncatedLog

        var isOfLog: Bool { [.flippedBitsInLog, .lostSectorInLog, .truncatedLog].contains(self) }
    }

    /// What was given out in one epoch.
    private struct Given {
        var next: UInt64 = 1
        var acknowledged: UInt64 = 0
        var payloads: [UInt64: [UInt8]] = [:]
        var origins: [UInt64: StreamEntry.OriginRange] = [:]
    }

    private static let streams = ["default", "fast"]
    private static let limits = StreamLimits(maximumBytes: 1 << 30, overwritesOldest: true)

    static let recovery = DatabaseRecovery(
        strayTables: DurableStreams.strayTables.union(["publisher_cursor"]),
        verify: { try DurableStreams.verify($0) },
        repair: { try DurableStreams.repair($0, unownedTo: "default") })

    private let directory: String
    private var given: [String: Given] = [:]

    /// Makes the database, with half of it in the log.
    init(directory: String, batches: Int = 2_400) throws {
        self.directory = directory
        let pool = try Self.open(directory + "/whole.sqlite")
        var random = SeededGenerator(seed: 11)
        for run in 0..<4 {
            try pool.write { db in
                for number in 0..<batches / 4 {
                    try append(db, number: number, run: UInt8(run + 1), &random)
                }
            }
            if run == 1 { _ = try pool.writeWithoutTransaction { try $0.checkpoint(.truncate) } }
            if run == 2 {
                try pool.write { db in
                    let epochs = try DurableStreams(db).epochs(of: "default", current: nil)
                    try DurableStreams(db).acknowledge(epochs[0], through: 300)
                    given[Self.key("default", epoch(1))]?.acknowledged = 300
                }
            }
        }
        // As a process that is killed leaves them.
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(
                atPath: directory + "/whole.sqlite" + suffix, toPath: directory + "/killed.sqlite" + suffix)
        }
        try pool.close()
    }

    private static func key(_ stream: String, _ epoch: Epoch) -> String { "\(stream) \(epoch)" }

    private static func open(_ path: String) throws -> DatabasePool {
        try DurableDatabase.open(
            path: path,
            migrate: { migrator in
                migrator.registerMigration("1") { db in
                    try PublisherCursors.createTable(db)
                    try SubscriberQueue.createTables(db)
                    try DurableStreams.createTables(db)
                    try DurableStreams.addDerivation(db)
                    try DurableStreams.addTraces(db)
                    try DurableStreams.addChecksums(db)
                    try DurableStreams.addExports(db)
                    try SalvageReport.createTable(db)
                }
            }, bulkTables: DurableStreams.bulkTables, recovery: recovery, logger: quiet)
    }

    private mutating func append(
        _ db: Database, number: Int, run: UInt8, _ random: inout SeededGenerator
    ) throws {
        let thing = "thing-\(number % 5)"
        let count = UInt64.random(in: 1...20, using: &random)
        let size = number % 40 == 0 ? Int.random(in: 4_000...9_000, using: &random) : Int(count) * 12
        let payload = (0..<size).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let stream = Self.streams[number % 7 == 0 ? 1 : 0]
        var given = self.given[Self.key(stream, epoch(run))] ?? Given()
        let origins = origin(thing, UInt64(number) * 20 + 1, UInt64(number) * 20 + count, epoch: run)
        if number % 50 == 49 {
            try DurableStreams(db).appendLost(origins, reason: 5, to: stream, epoch: epoch(run), now: 1)
            given.next += 1
        } else {
            _ = try DurableStreams(db).append(
                StreamBatch(
                    payload: payload, origin: origins, receiveTime: Int64(number),
                    isReceiveTimeDoubtful: false),
                count: Int(count), to: stream, epoch: epoch(run), limits: Self.limits, overwrittenReason: 2)
            given.payloads[given.next] = payload
            given.origins[given.next] = origins
            given.next += count
        }
        self.given[Self.key(stream, epoch(run))] = given
        try PublisherCursors.set(
            db, publisher: thing, stream: "s", epoch: epoch(run), cursor: UInt64(number), now: Int64(number))
    }

    // MARK: Trying

    /// Damages a copy in a way that the number decides, opens it, and checks all that was promised.
    ///
    /// - Returns: Whether a new database had to be made.
    func run(_ damage: Damage, seed: UInt64) throws -> Bool {
        let folder = "\(directory)/\(damage)-\(seed)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/core.sqlite"
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(
                atPath: directory + "/killed.sqlite" + suffix, toPath: path + suffix)
        }
        var random = SeededGenerator(seed: seed &* 1_000_003)
        let what = try inflict(damage, on: damage.isOfLog ? path + "-wal" : path, &random)
        do {
            return try check(path, isWholeLog: !damage.isOfLog)
        } catch let error as Broken {
            throw Broken(description: "\(damage) with seed \(seed) (\(what)): \(error.description)")
        } catch {
            throw Broken(description: "\(damage) with seed \(seed) (\(what)): \(error)")
        }
    }

    private func inflict(_ damage: Damage, on path: String, _ random: inout SeededGenerator) throws -> String
    {
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let what: String
        // One in four hits the beginning, where what matters most is.
        let bound = Bool.random(using: &random) && Bool.random(using: &random) ? 16_384 : bytes.count
        let place = Int.random(in: 0..<bound, using: &random)
        switch damage {
        case .flippedBits, .flippedBitsInLog:
            let count = [1, 1, 8, 64].randomElement(using: &random) ?? 1
            for _ in 0..<count {
                let at = min(place + Int.random(in: 0..<200, using: &random), bytes.count - 1)
                bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
            what = "\(count) bits from \(place)"
        case .lostSector, .lostSectorInLog:
            let size = [512, 4_096, 65_536].randomElement(using: &random) ?? 512
            let start = place / size * size
            let end = min(start + size, bytes.count)
            bytes.replaceSubrange(start..<end, with: Data(repeating: UInt8(place % 3), count: end - start))
            what = "\(size) bytes from \(start)"
        case .truncated, .truncatedLog:
            bytes = bytes.prefix(max(place, 1))
            what = "to \(bytes.count) bytes"
        }
        try bytes.write(to: URL(fileURLWithPath: path))
        return what
    }

    private func check(_ path: String, isWholeLog: Bool) throws -> Bool {
        var pool = try Self.open(path)
        do {
            try pool.write { try read($0, isWholeLog: isWholeLog) }
        } catch is DatabaseError {
            // What a running program does then.
            try pool.close()
            DurableDatabase.requestRecovery(path: path)
            pool = try Self.open(path)
            try pool.write { try read($0, isWholeLog: isWholeLog) }
        }
        defer { try? pool.close() }
        return try pool.write { db in
            let batch = StreamBatch(
                payload: [1, 2, 3], origin: origin("late", 1, 1), receiveTime: 1, isReceiveTimeDoubtful: false
            )
            for stream in Self.streams {
                _ = try DurableStreams(db).append(
                    batch, count: 1, to: stream, epoch: epoch(99), limits: Self.limits, overwrittenReason: 2)
                let current = try DurableStreams(db).epochs(of: stream, current: epoch(99)).last
                guard let current,
                    case .batch(batch)? = try DurableStreams(db).entries(
                        of: current, after: 0, limit: 9, maximumBytes: .max
                    ).first?.content
                else { throw Broken(description: "nothing can be appended to \(stream)") }
            }
            return try !SalvageReport.all(db).isEmpty
        }
    }

    /// Reads everything: nothing wrong, and nothing that is neither there nor lost.
    private func read(_ db: Database, isWholeLog: Bool) throws {
        let isSalvaged = try !SalvageReport.all(db).isEmpty
        var seen: Set<String> = []
        for stream in Self.streams {
            for epoch in try DurableStreams(db).epochs(of: stream, current: nil) {
                let key = Self.key(stream, epoch.epoch)
                guard let given = given[key] else {
                    guard isSalvaged else { throw Broken(description: "an epoch of nobody's") }
                    // Batches whose epoch is gone: under another one, and right nevertheless.
                    try readUnowned(db, epoch)
                    continue
                }
                seen.insert(key)
                try read(db, epoch, given, isWholeLog: isWholeLog, isSalvaged: isSalvaged)
            }
        }
        guard isWholeLog, !isSalvaged, seen.count < given.count else { return }
        throw Broken(description: "epochs are gone, and nobody said so")
    }

    private func read(
        _ db: Database, _ epoch: StreamEpoch, _ given: Given, isWholeLog: Bool, isSalvaged: Bool
    ) throws {
        if isWholeLog, !isSalvaged, (epoch.next, epoch.acknowledged) != (given.next, given.acknowledged) {
            throw Broken(description: "\(epoch) is not \(given.next), \(given.acknowledged)")
        }
        guard epoch.next <= given.next, epoch.acknowledged <= given.acknowledged else {
            throw Broken(description: "\(epoch) goes beyond \(given.next), \(given.acknowledged)")
        }
        var after = epoch.acknowledged
        while let entry = try DurableStreams(db).entries(
            of: epoch, after: after, limit: 1, maximumBytes: .max
        ).first {
            guard entry.positions.first <= after + 1, entry.positions.last > after else {
                throw Broken(description: "\(entry.positions) comes after \(after) of \(epoch)")
            }
            after = entry.positions.last
            guard case .batch(let batch) = entry.content else { continue }
            guard batch.payload == given.payloads[entry.positions.first],
                batch.origin == given.origins[entry.positions.first]
            else { throw Broken(description: "\(entry.positions) of \(epoch) is not what was stored") }
        }
        guard after == epoch.next - 1 else { throw Broken(description: "\(epoch) ends at \(after)") }
    }

    private func readUnowned(_ db: Database, _ epoch: StreamEpoch) throws {
        for entry in try DurableStreams(db).entries(of: epoch, after: 0, limit: .max, maximumBytes: .max) {
            guard case .batch(let batch) = entry.content else { continue }
            guard
                given.values.contains(where: {
                    $0.payloads[entry.positions.first] == batch.payload
                        && $0.origins[entry.positions.first] == batch.origin
                })
            else { throw Broken(description: "\(entry.positions) of no epoch is not what was stored") }
        }
    }
}
