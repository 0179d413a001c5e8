import Synchronization

/// Holds streams to their `maxRate` on the uplink: a token bucket for each.
///
/// A bucket holds one second's worth. What is sent may go below zero, so that a batch that is larger than that is sent
/// too and the next one waits the longer; over time a stream never sends more than its rate.
final class UplinkRate: Sendable {
    private struct Bucket {
        var bytes: Double
        var time: ContinuousClock.Instant
    }

    private let now: @Sendable () -> ContinuousClock.Instant
    private let buckets = Mutex<[String: Bucket]>([:])

    /// Makes full buckets.
    init(now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) { self.now = now }

    /// How long a stream has to wait before it may send something; nil where it may now.
    func wait(of stream: String, bytesPerSecond rate: Double) -> Duration? {
        let bytes = buckets.withLock { fill(&$0, stream, rate) }
        return bytes > 0 ? nil : .seconds(max(0.001, (1 - bytes) / rate))
    }

    /// Takes what was sent out of the bucket.
    func sent(_ bytes: Int, of stream: String, bytesPerSecond rate: Double) {
        buckets.withLock { buckets in
            _ = fill(&buckets, stream, rate)
            buckets[stream]?.bytes -= Double(bytes)
        }
    }

    private func fill(_ buckets: inout [String: Bucket], _ stream: String, _ rate: Double) -> Double {
        let time = now()
        var bucket = buckets[stream] ?? Bucket(bytes: rate, time: time)
        bucket.bytes = min(rate, bucket.bytes + rate * (bucket.time.duration(to: time) / .seconds(1)))
        bucket.time = time
        buckets[stream] = bucket
        return bucket.bytes
    }
}
