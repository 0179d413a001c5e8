import GRDB
import StreamStore
import Synchronization

/// What the cloud has of the epochs on the disk and is not freed there yet.
///
/// Freeing it in a transaction of its own would double what the disk writes for a reading now and then, and cards wear.
/// So it waits for the next transaction that stores something, which frees first (``TelemetryParts/commit(needsRoom:isSynced:_:)``);
/// where nothing comes, the session frees it after ``UplinkSession/longestUnfreed``, and at once where it is more than
/// ``UplinkSession/mostUnfreedBytes``. A process that is killed before that sends nothing twice: the cloud says how far
/// it is.
final class PendingAcknowledgements: Sendable {
    /// What the cloud has of an epoch.
    struct Entry {
        let epoch: StreamEpoch
        var through: UInt64
        var bytes: Int
    }

    /// What was taken by a transaction, to be given back where that fails.
    final class Taken: Sendable {
        fileprivate let entries = Mutex<[Int64: Entry]>([:])
    }

    /// By the row of the epoch: every session has a value of its own for it.
    private let pending = Mutex<[Int64: Entry]>([:])

    init() {}

    /// The cloud has an epoch through a sequence.
    ///
    /// - Parameters:
    ///   - epoch: one on the disk; rows in memory have the same numbers and are others.
    ///   - bytes: of payload, since the last time.
    func add(_ epoch: StreamEpoch, through sequence: UInt64, bytes: Int) {
        precondition(!epoch.isInMemory, "an epoch in memory is freed there")
        pending.withLock { Self.merge(Entry(epoch: epoch, through: sequence, bytes: bytes), into: &$0) }
    }

    /// Bytes of an epoch that wait to be freed; nil where nothing does.
    func bytes(of epoch: StreamEpoch) -> Int? {
        epoch.isInMemory ? nil : pending.withLock { $0[epoch.id]?.bytes }
    }

    /// Takes what waits of an epoch.
    func take(_ epoch: StreamEpoch) -> Entry? {
        epoch.isInMemory ? nil : pending.withLock { $0.removeValue(forKey: epoch.id) }
    }

    /// Frees everything that waits, within a transaction of the core's database. May be called again where the work of a
    /// transaction that failed is tried once more.
    func apply(_ db: Database, _ taken: Taken) throws {
        let entries = pending.withLock { pending in
            defer { pending.removeAll() }
            return pending.values
        }
        let all = taken.entries.withLock { known in
            for entry in entries { Self.merge(entry, into: &known) }
            return known.values
        }
        for entry in all { try DurableStreams(db).acknowledge(entry.epoch, through: entry.through) }
    }

    /// Takes back what a transaction took that failed.
    func giveBack(_ taken: Taken) {
        let entries = taken.entries.withLock { $0.values }
        pending.withLock { pending in
            for entry in entries { Self.merge(entry, into: &pending) }
        }
    }

    private static func merge(_ entry: Entry, into entries: inout [Int64: Entry]) {
        guard var known = entries[entry.epoch.id] else {
            entries[entry.epoch.id] = entry
            return
        }
        known.through = max(known.through, entry.through)
        known.bytes += entry.bytes
        entries[entry.epoch.id] = known
    }
}
