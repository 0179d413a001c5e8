import Messaging

/// What of a stream is older than its time to live.
public struct ExpiryBounds: Hashable, Sendable {
    /// Everything received before this is too old, microseconds since 1970, where its receive time can be believed; nil
    /// where the clock cannot be believed now.
    public var before: Int64?
    /// Everything in epochs with row ids up to this one is too old, whatever the clocks say.
    public var epochsThrough: Int64
    /// Everything up to a sequence is too old, whatever the clocks say; by row id of the epoch.
    public var sequencesThrough: [Int64: UInt64]

    /// Makes bounds; without any nothing is too old.
    public init(before: Int64? = nil, epochsThrough: Int64 = 0, sequencesThrough: [Int64: UInt64] = [:]) {
        self.before = before
        self.epochsThrough = epochsThrough
        self.sequencesThrough = sequencesThrough
    }

    func covers(_ batch: DurableStreams.StoredBatch, doubtfulThrough: UInt64) -> Bool {
        if batch.epochID <= epochsThrough { return true }
        if let through = sequencesThrough[batch.epochID], batch.positions.last <= through { return true }
        guard let before, !batch.isReceiveTimeDoubtful, batch.positions.last > doubtfulThrough else {
            return false
        }
        return batch.receiveTime < before
    }
}
