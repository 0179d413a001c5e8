import Synchronization

/// A clock for simulations: it stands still, and sleeping until a moment moves it there at once.
///
/// What takes seconds on a real device then takes none, in the same order and with the same result each time.
public final class LeapingClock: Clock {
    /// A moment of the clock.
    public struct Instant: InstantProtocol {
        /// Time since the clock was made.
        public var offset: Duration

        /// The moment so much later.
        public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        /// The time from this moment to another.
        public func duration(to other: Instant) -> Duration { other.offset - offset }
        /// Whether one moment is before another.
        public static func < (lhs: Instant, rhs: Instant) -> Bool { lhs.offset < rhs.offset }
    }

    private let offset = Mutex(Duration.zero)

    /// Makes a clock at 0.
    public init() {}

    /// The present moment.
    public var now: Instant { Instant(offset: offset.withLock { $0 }) }
    /// A nanosecond.
    public var minimumResolution: Duration { .nanoseconds(1) }

    /// Moves the clock on, unless it is there already.
    ///
    /// - Throws: `CancellationError` where the task is cancelled.
    public func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
        offset.withLock { $0 = max($0, deadline.offset) }
    }

    /// Moves the clock on by so much.
    public func advance(by duration: Duration) { offset.withLock { $0 += duration } }
}
