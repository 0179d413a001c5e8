import Synchronization

/// When each reading of one publishing stream was sent, acknowledged and committed.
final class LatencyLog: Sendable {
    /// One reading; the times that it took are seconds.
    struct Entry: Sendable {
        let sent: ContinuousClock.Instant
        var acknowledged: Double?
        var committed: Double?
    }

    private struct State {
        /// By sequence, which begins at 1.
        var entries: [Entry] = []
        var through = 0
        var committed = 0
    }

    private let state = Mutex(State())

    /// The next reading is about to be written.
    func send(at now: ContinuousClock.Instant) { state.withLock { $0.entries.append(Entry(sent: now)) } }

    /// Everything up to a sequence is acknowledged.
    func acknowledge(through sequence: UInt64, at now: ContinuousClock.Instant) {
        state.withLock { state in
            while state.through < min(Int(sequence), state.entries.count) {
                state.entries[state.through].acknowledged = (now - state.entries[state.through].sent).seconds
                state.through += 1
            }
        }
    }

    /// The cloud has told of readings, which it does when they are committed.
    func commit(_ sequences: ClosedRange<UInt64>, at now: ContinuousClock.Instant) {
        state.withLock { state in
            for sequence in sequences where sequence >= 1 && sequence <= UInt64(state.entries.count) {
                let index = Int(sequence) - 1
                guard state.entries[index].committed == nil else { continue }
                state.entries[index].committed = (now - state.entries[index].sent).seconds
                state.committed += 1
            }
        }
    }

    /// How many readings were sent, and of how many the cloud has told.
    var counts: (sent: Int, committed: Int) { state.withLock { ($0.entries.count, $0.committed) } }

    /// Every reading that was sent, in order.
    var entries: [Entry] { state.withLock { $0.entries } }

    /// Counts, medians and 99th percentiles of some readings, in milliseconds.
    ///
    /// - Parameter prefix: of the names.
    static func summary(of entries: some Collection<Entry>, prefix: String = "") -> [String: Double] {
        var values: [String: Double] = [:]
        for (name, times) in [
            ("ack", entries.compactMap(\.acknowledged)), ("cloud", entries.compactMap(\.committed)),
        ] {
            values["\(prefix)\(name)_count"] = Double(times.count)
            values["\(prefix)\(name)_p50_ms"] = Quantile.of(times, 0.5) * 1e3
            values["\(prefix)\(name)_p99_ms"] = Quantile.of(times, 0.99) * 1e3
        }
        return values
    }
}
