import Synchronization

/// A clock that never moves: whoever sleeps by it wakes when it is cancelled. It counts the sleeps.
final class StandingClock: Clock {
    struct Instant: InstantProtocol {
        var offset: Swift.Duration

        func advanced(by duration: Swift.Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Swift.Duration { other.offset - offset }
        static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private let count = Mutex(0)

    var sleeps: Int { count.withLock { $0 } }
    var now: Instant { Instant(offset: .zero) }
    var minimumResolution: Swift.Duration { .nanoseconds(1) }

    func sleep(until deadline: Instant, tolerance: Swift.Duration?) async throws {
        count.withLock { $0 += 1 }
        try await Task.sleep(for: .seconds(86_400))
    }
}
