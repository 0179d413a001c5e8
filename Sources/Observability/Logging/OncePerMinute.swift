import Synchronization

/// Limits log lines: for each key so many a minute, and how many were left out.
///
/// Bounded: it remembers 1,024 keys; above that all further keys share one.
public final class OncePerMinute: Sendable {
    private struct Entry {
        var windowStart: ContinuousClock.Instant
        var admitted: Int
        var suppressed: Int
    }

    private static let capacity = 1_024
    private let interval: Duration
    private let now: @Sendable () -> ContinuousClock.Instant
    private let entries = Mutex<[String: Entry]>([:])

    /// Makes a limiter.
    ///
    /// - Parameters:
    ///   - interval: the length of the window; a minute.
    ///   - now: a clock that only goes forward.
    public init(
        interval: Duration = .seconds(60), now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.interval = interval
        self.now = now
    }

    /// Asks to log once.
    ///
    /// - Parameters:
    ///   - key: what the line is about; lines of one key are limited together.
    ///   - burst: lines that one window lets through.
    ///   - overflow: the key that is shared by those that it cannot remember; to be one of few.
    /// - Returns: how many lines of the key were left out since the last one; nil where this one is to be
    ///   left out, too.
    public func admit(_ key: String, burst: Int = 1, overflow: String = "") -> Int? {
        let now = now()
        return entries.withLock { entries in
            var key = key
            if entries[key] == nil, entries.count >= Self.capacity {
                entries = entries.filter { $0.value.windowStart.duration(to: now) < interval }
                if entries.count >= Self.capacity { key = overflow }
            }
            guard var entry = entries[key] else {
                entries[key] = Entry(windowStart: now, admitted: 1, suppressed: 0)
                return 0
            }
            if entry.windowStart.duration(to: now) >= interval {
                entry.windowStart = now
                entry.admitted = 0
            }
            guard entry.admitted < burst else {
                entry.suppressed += 1
                entries[key] = entry
                return nil
            }
            let suppressed = entry.suppressed
            entry.admitted += 1
            entry.suppressed = 0
            entries[key] = entry
            return suppressed
        }
    }
}
