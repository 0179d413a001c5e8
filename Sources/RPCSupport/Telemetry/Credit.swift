import GRPCCore
import HedgerowAPI
import StreamStore
import Synchronization

/// Messages that may still be sent to a subscriber.
final class Credit: Sendable {
    private let left = Mutex(0)
    private let arrival = Signal()

    func add(_ count: Int, maximum: Int) throws {
        let total = left.withLock { left in
            left += count
            return left
        }
        guard total <= maximum else {
            throw HedgerowError(
                .invalidArgument, .invalidField, "add_credit: at most \(maximum) messages may be outstanding")
        }
        arrival.signal()
    }

    func spend(_ count: Int) { left.withLock { $0 -= count } }

    /// Returns with what is left as soon as it is above 0, or with 0 when the task is cancelled.
    func waitUntilAvailable() async -> Int {
        while true {
            let now = left.withLock { $0 }
            if now > 0 || Task.isCancelled { return max(0, now) }
            await arrival.wait()
        }
    }
}
