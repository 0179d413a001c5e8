import Synchronization

/// How many calls each program has open.
final class CallCounts: Sendable {
    private let counts = Mutex<[UInt64: Int]>([:])

    init() {}

    /// Counts a call; false where there are too many already.
    func enter(_ run: UInt64, limit: Int) -> Bool {
        counts.withLock { counts in
            let count = counts[run] ?? 0
            guard count < limit else { return false }
            counts[run] = count + 1
            return true
        }
    }

    /// A call is over.
    func leave(_ run: UInt64) {
        counts.withLock { counts in
            let count = (counts[run] ?? 1) - 1
            counts[run] = count > 0 ? count : nil
        }
    }
}
