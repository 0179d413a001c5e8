import GRDB
import StreamStore
import Synchronization

/// What the cloud has and is not freed yet.
///
/// Freeing it in a transaction of its own would double what the disk writes for a reading now and then, and cards wear.
/// So it waits for the next transaction that stores something, which frees first; where nothing comes, the session frees
/// it after ``UplinkSession/longestUnfreed``, and at once where it is more than ``UplinkSession/mostUnfreedBytes``. A
/// process that is killed before that sends nothing twice: the cloud says how far it is.
final class PendingAcknowledgements: Sendable {
    /// What was taken by a transaction, to be given back where that fails.
    final class Taken: Sendable {
        fileprivate let entries = Mutex<[StreamEpoch: UInt64]>([:])
    }

    private let pending = Mutex<[StreamEpoch: UInt64]>([:])

    init() {}

    /// The cloud has an epoch through a sequence.
    func add(_ epoch: StreamEpoch, through sequence: UInt64) {
        pending.withLock { $0[epoch] = max($0[epoch] ?? 0, sequence) }
    }

    /// Whether something of an epoch waits to be freed.
    func has(_ epoch: StreamEpoch) -> Bool { pending.withLock { $0[epoch] != nil } }

    /// Takes what waits of an epoch.
    func take(_ epoch: StreamEpoch) -> UInt64? { pending.withLock { $0.removeValue(forKey: epoch) } }

    /// Frees everything that waits, within a transaction.
    func apply(_ db: Database, _ taken: Taken) throws {
        let entries = pending.withLock { pending in
            defer { pending.removeAll() }
            return pending
        }
        guard !entries.isEmpty else { return }
        taken.entries.withLock { $0.merge(entries) { max($0, $1) } }
        for (epoch, sequence) in entries { try DurableStreams(db).acknowledge(epoch, through: sequence) }
    }

    /// Takes back what a transaction took that failed.
    func giveBack(_ taken: Taken) {
        for (epoch, sequence) in taken.entries.withLock({ $0 }) { add(epoch, through: sequence) }
    }
}
