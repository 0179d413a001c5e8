import Messaging

/// Origins of what the receiver has, joined into runs before they are written: many batches that follow each
/// other cost one row's change.
struct ExportedRuns {
    /// Consecutive origins of one publisher, and the stream's sequences that they were at.
    struct Run {
        let key: OriginKey
        var origins: SequenceRange
        var positions: SequenceRange
    }

    private var open: [OriginKey: Run] = [:]

    /// Adds what follows in the stream.
    ///
    /// - Returns: The run of the same publisher that it does not continue, and that is complete therefore.
    mutating func add(_ origins: SequenceRange, of key: OriginKey, positions: SequenceRange) -> Run? {
        if let last = open[key]?.origins.last, last + 1 == origins.first {
            open[key]?.origins.last = origins.last
            open[key]?.positions.last = positions.last
            return nil
        }
        return open.updateValue(Run(key: key, origins: origins, positions: positions), forKey: key)
    }

    /// Those that are not complete, in the order of the stream.
    var all: [Run] { open.values.sorted { $0.positions.first < $1.positions.first } }
}
