import GRDB
import Messaging

extension DurableStreams {
    /// Most entries that expire in one transaction.
    public static let maximumExpired = 500

    /// Takes out what is too old, from the oldest of each epoch on and up to the first that is not; what the cloud does
    /// not have yet becomes an account of lost messages in the same transaction.
    ///
    /// - Parameters:
    ///   - reason: The number on the wire of the reason for what is lost.
    ///   - limit: Most entries.
    /// - Returns: What it cost, and whether there is more; to be called again then, in another transaction.
    public func expire(
        _ stream: String, _ bounds: ExpiryBounds, reason: Int, limit: Int = DurableStreams.maximumExpired
    ) throws -> (StreamDeletion, hasMore: Bool) {
        var deletion = StreamDeletion()
        var left = limit
        epochs: for epoch in try storedEpochs(of: stream) {
            while left > 0 {
                let batches = try oldestBatches(
                    of: epoch, stream: stream, limit: min(left, Self.entriesAtOnce))
                if batches.isEmpty { continue epochs }
                for batch in batches {
                    guard bounds.covers(batch, doubtfulThrough: epoch.doubtfulThrough) else {
                        continue epochs
                    }
                    try remove(batch, reason: reason, stream: stream, into: &deletion)
                    left -= 1
                }
            }
            break
        }
        if deletion.bytes != 0 { try addUsage(-deletion.bytes, stream) }
        return (deletion, left == 0)
    }

    /// The clock was set: the receive times of all that is there, in every stream, say nothing any more about its age.
    public func doubtReceiveTimes() throws {
        try db.execute(sql: "UPDATE stream_epoch SET doubtful_through = next - 1")
    }

    /// The newest sequence that was given out in each epoch of a stream, by row id.
    public func newestSequences(of stream: String) throws -> [Int64: UInt64] {
        try storedEpochs(of: stream).reduce(into: [:]) { $0[$1.id] = $1.next - 1 }
    }

    /// The highest row id of an epoch of any stream; 0 where there is none.
    public func newestEpochID() throws -> Int64 {
        try Int64.fetchOne(db, sql: "SELECT max(id) FROM stream_epoch") ?? 0
    }
}
