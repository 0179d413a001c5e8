import Messaging

/// Ranges of received sequences that grow at their end within one transaction: the end is written once, however
/// many batches moved it.
final class GrowingRanges {
    /// One range that is stored.
    struct Range {
        /// Its first sequence, which is its key in the table.
        let first: UInt64
        /// Its last sequence now.
        var last: UInt64
        /// The first sequence behind it that the account knows something of already.
        let limit: UInt64
        /// Whether ``last`` is to be written.
        var isChanged = false
    }

    private var ranges: [OriginIntervals.Key: Range] = [:]

    /// Keeps a range that was just written.
    func keep(_ range: Range, of key: OriginIntervals.Key) { ranges[key] = range }

    /// Lets a range grow by what directly follows it; false where nothing does, or something lies there.
    func grow(by range: SequenceRange, of key: OriginIntervals.Key) -> Bool {
        guard let kept = ranges[key], range.first == kept.last + 1, range.last < kept.limit - 1 else {
            return false
        }
        ranges[key]?.last = range.last
        ranges[key]?.isChanged = true
        return true
    }

    /// Forgets a range, which is to be written where it has changed.
    func take(_ key: OriginIntervals.Key) -> Range? { ranges.removeValue(forKey: key) }

    /// Forgets all.
    func takeAll() -> [OriginIntervals.Key: Range] {
        defer { ranges = [:] }
        return ranges
    }
}
