import RPCSupport
import Synchronization

/// What went into the streams and out of them since the core started: counted after each commit, so that what was rolled
/// back is not.
///
/// Bounded by the streams that revisions of this process had.
final class StreamCounters: Sendable {
    /// Counts of one stream.
    struct Totals: Hashable, Sendable {
        /// Messages appended.
        var appendedMessages: UInt64 = 0
        /// Bytes of their payload.
        var appendedBytes: UInt64 = 0
        /// Messages, and accounts of messages, that the cloud acknowledged.
        var forwardedMessages: UInt64 = 0
        /// Bytes that the cloud acknowledged.
        var forwardedBytes: UInt64 = 0
        /// Messages lost, by cause.
        var lost: [LossReason: UInt64] = [:]
        /// When the cloud acknowledged something last, microseconds since 1970.
        var lastForwardTime: Int64?
        /// Why the cloud could not be reached the last time; nil since it acknowledged something.
        var cloudError: String?
    }

    private let totals = Mutex<[String: Totals]>([:])

    init() {}

    /// Everything that was counted, by stream.
    var snapshot: [String: Totals] { totals.withLock { $0 } }

    /// Messages and bytes were appended to streams.
    func appended(_ messages: [String: Int], bytes: [String: Int]) {
        guard !messages.isEmpty else { return }
        totals.withLock { totals in
            for (stream, count) in messages {
                totals[stream, default: Totals()].appendedMessages += UInt64(clamping: count)
                totals[stream, default: Totals()].appendedBytes += UInt64(clamping: bytes[stream] ?? 0)
            }
        }
    }

    /// The cloud acknowledged some of a stream.
    func forwarded(_ messages: UInt64, bytes: Int, of stream: String, now: Int64) {
        totals.withLock { totals in
            totals[stream, default: Totals()].forwardedMessages += messages
            totals[stream, default: Totals()].forwardedBytes += UInt64(clamping: bytes)
            totals[stream, default: Totals()].lastForwardTime = now
            totals[stream, default: Totals()].cloudError = nil
        }
    }

    /// Messages of a stream were lost.
    func lost(_ messages: UInt64, _ reason: LossReason, of stream: String) {
        guard messages > 0 else { return }
        totals.withLock { $0[stream, default: Totals()].lost[reason, default: 0] += messages }
    }

    /// A stream could not be sent to the cloud.
    func failed(_ stream: String, because error: String) {
        totals.withLock { $0[stream, default: Totals()].cloudError = error }
    }
}
