import HedgerowAPI
import SwiftProtobuf

/// Rates over the last minute, from totals that are taken every few seconds.
struct StreamRates {
    /// How far back rates look.
    static let span: Duration = .seconds(60)

    private struct Sample {
        let time: ContinuousClock.Instant
        let totals: StreamCounters.Totals
    }

    /// By stream, oldest first; the oldest is the last one that is older than the span.
    private var samples: [String: [Sample]] = [:]

    /// Takes totals.
    mutating func add(_ totals: [String: StreamCounters.Totals], at time: ContinuousClock.Instant) {
        for (stream, totals) in totals {
            var list = samples[stream] ?? []
            list.append(Sample(time: time, totals: totals))
            while list.count > 2, list[1].time.duration(to: time) >= Self.span { list.removeFirst() }
            samples[stream] = list
        }
    }

    /// What was appended to a stream, and what the cloud acknowledged.
    func rates(
        of stream: String
    ) -> (appended: Hedgerow_Stream_V1_StreamRate, forwarded: Hedgerow_Stream_V1_StreamRate) {
        guard let list = samples[stream], let first = list.first, let last = list.last, list.count > 1 else {
            return (.init(), .init())
        }
        let seconds = first.time.duration(to: last.time) / .seconds(1)
        guard seconds > 0 else { return (.init(), .init()) }
        func rate(
            _ messages: KeyPath<StreamCounters.Totals, UInt64>,
            _ bytes: KeyPath<StreamCounters.Totals, UInt64>
        ) -> Hedgerow_Stream_V1_StreamRate {
            .with {
                $0.messagesPerSecond =
                    Double(last.totals[keyPath: messages] - first.totals[keyPath: messages]) / seconds
                $0.bytesPerSecond =
                    Double(last.totals[keyPath: bytes] - first.totals[keyPath: bytes]) / seconds
            }
        }
        return (
            rate(\.appendedMessages, \.appendedBytes), rate(\.forwardedMessages, \.forwardedBytes)
        )
    }
}
