import Synchronization

/// Counts what is open, up to a limit.
final class OpenCount: Sendable {
    private let count = Mutex(0)

    init() {}

    /// Counts one more; false where there are as many as may be.
    func enter(limit: Int) -> Bool {
        count.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
    }

    /// Counts one less.
    func leave() { count.withLock { $0 -= 1 } }
}
