import GRDB
import Messaging

extension DurableStreams {
    /// Entries that are looked at together when many are taken out.
    static let entriesAtOnce = 256

    /// Deletes what a stream holds, all of it or up to a position; what the cloud does not have yet becomes an account
    /// of lost messages. Other exports go on behind it and count what they did not have.
    ///
    /// An entry that ends behind the position stays.
    ///
    /// - Parameters:
    ///   - position: The last sequence to be deleted; everything where it is nil.
    ///   - reason: The number on the wire of the reason for what is lost.
    ///   - limit: Entries after which it stops; to be called again then, in another transaction.
    /// - Returns: What it cost, and whether there is more; nil where the position's epoch is not known.
    public func delete(
        _ stream: String, through position: StreamPosition? = nil, reason: Int, limit: Int = .max
    ) throws -> StreamDeletion? {
        let epochs = try storedEpochs(of: stream)
        var last = epochs.count - 1
        if let position {
            guard let index = epochs.firstIndex(where: { $0.epoch == position.epoch }) else { return nil }
            last = index
        }
        var deletion = StreamDeletion()
        var left = limit
        for (index, epoch) in epochs.enumerated() where index <= last {
            let through: UInt64 = index == last ? position?.sequence ?? .max : .max
            while left > 0 {
                let batches = try oldestBatches(
                    of: epoch, stream: stream, limit: min(left, Self.entriesAtOnce)
                ).filter { $0.positions.last <= through }
                guard !batches.isEmpty else { break }
                for batch in batches { try remove(batch, reason: reason, stream: stream, into: &deletion) }
                left -= batches.count
            }
        }
        try addUsage(-deletion.bytes, stream)
        deletion.hasMore = left == 0
        return deletion
    }

    /// Takes a batch out. What the cloud is still to have becomes an account at the same sequences; what it has, or
    /// never gets, leaves a gap for the exports that lag behind. The caller corrects the usage of the stream.
    func remove(
        _ batch: StoredBatch, reason: Int, stream: String, into deletion: inout StreamDeletion
    ) throws {
        try db.cachedStatement(sql: "DELETE FROM stream_entry WHERE id = ?").execute(arguments: [batch.id])
        if batch.isOwedToCloud {
            try account(
                for: batch.positions, origin: batch.origin, reason: reason, receiveTime: batch.receiveTime,
                epochID: batch.epochID, stream: stream)
            deletion.lost += batch.positions.count
        }
        deletion.messages += batch.positions.count
        deletion.bytes += batch.bytes
    }
}
