import Synchronization

/// When each reading was sent, acknowledged and committed.
final class LatencyLog: Sendable {
    private struct Times {
        var sent: [UInt64: ContinuousClock.Instant] = [:]
        var acknowledged: [UInt64: Double] = [:]
        var committed: [UInt64: Double] = [:]
        var through: UInt64 = 0
    }

    private let times = Mutex(Times())

    /// A reading is about to be written.
    func send(_ sequence: UInt64) { times.withLock { $0.sent[sequence] = .now } }

    /// Everything up to a sequence is acknowledged.
    func acknowledge(through sequence: UInt64, at now: ContinuousClock.Instant) {
        times.withLock { times in
            while times.through < sequence {
                times.through += 1
                if let sent = times.sent[times.through] {
                    times.acknowledged[times.through] = (now - sent).seconds
                }
            }
        }
    }

    /// The cloud has told of a reading, which it does when it is committed.
    func commit(_ sequence: UInt64, at now: ContinuousClock.Instant) {
        times.withLock { times in
            if let sent = times.sent[sequence] { times.committed[sequence] = (now - sent).seconds }
        }
    }

    /// Counts, medians and 99th percentiles, for readings of a range.
    func summary(of sequences: ClosedRange<UInt64>) -> [String: Double] {
        let (acknowledged, committed) = times.withLock { times in
            (sequences.compactMap { times.acknowledged[$0] }, sequences.compactMap { times.committed[$0] })
        }
        return [
            "ack_count": Double(acknowledged.count), "cloud_count": Double(committed.count),
            "ack_p50_ms": Self.quantile(0.5, of: acknowledged) * 1e3,
            "ack_p99_ms": Self.quantile(0.99, of: acknowledged) * 1e3,
            "cloud_p50_ms": Self.quantile(0.5, of: committed) * 1e3,
            "cloud_p99_ms": Self.quantile(0.99, of: committed) * 1e3,
        ]
    }

    private static func quantile(_ share: Double, of values: [Double]) -> Double {
        let sorted = values.sorted()
        guard let last = sorted.indices.last else { return -1 }
        return sorted[min(last, max(0, Int((Double(sorted.count) * share).rounded(.up)) - 1))]
    }
}
