import FoundationEssentials
import HedgerowAPI
import Observability
import RPCSupport
import SwiftProtobuf

/// How the streams stand, as metrics: what lies in them as it was seen last (at most ten seconds ago), and counts of now.
struct StreamSamples {
    private let statuses: [Hedgerow_Stream_V1_StreamStatus]
    private let totals: [String: StreamCounters.Totals]
    private let dropped: UInt64
    private let now: Int64

    init(_ monitor: StreamMonitor) {
        statuses = monitor.statuses
        totals = monitor.parts.counters.snapshot
        dropped = monitor.parts.uplinks.dropped
        now = monitor.parts.clock.now
    }

    /// Every sample.
    var all: [MetricSample] {
        statuses.flatMap(gauges) + totals.sorted { $0.key < $1.key }.flatMap { counters($0.key, $0.value) }
            + statuses.flatMap { status in status.exports.flatMap { exports($0, of: status.stream) } }
            + [
                MetricSample(
                    "hedgerow_uplink_dropped_messages", .counter,
                    help: "QoS 0 messages dropped because the cloud was away or slow.", Double(dropped))
            ]
    }

    private func gauges(_ status: Hedgerow_Stream_V1_StreamStatus) -> [MetricSample] {
        let labels = [MetricLabel("stream", status.stream)]
        let oldest = status.hasOldestReceiveTime ? Microseconds.of(status.oldestReceiveTime) : nil
        return [
            MetricSample(
                "hedgerow_stream_messages", help: "Messages in a stream that an export lacks.",
                labels: labels,
                Double(status.messages)),
            MetricSample(
                "hedgerow_stream_bytes", help: "Bytes of payload in a stream.", labels: labels,
                Double(status.bytes)),
            MetricSample(
                "hedgerow_stream_max_bytes", help: "Most bytes of payload in a stream.", labels: labels,
                Double(status.maxBytes)),
            MetricSample(
                "hedgerow_stream_oldest_age_seconds",
                help: "Age of the oldest message in a stream, 0 where it is empty.", labels: labels,
                oldest.map { Double(max(0, now - $0)) / 1e6 } ?? 0),
        ]
    }

    private func counters(_ stream: String, _ totals: StreamCounters.Totals) -> [MetricSample] {
        let labels = [MetricLabel("stream", stream)]
        func counter(_ name: String, _ help: String, _ value: UInt64) -> MetricSample {
            MetricSample(name, .counter, help: help, labels: labels, Double(value))
        }
        return [
            counter(
                "hedgerow_stream_appended_messages", "Messages appended to a stream.", totals.appendedMessages
            ),
            counter(
                "hedgerow_stream_appended_bytes", "Bytes of payload appended to a stream.",
                totals.appendedBytes),
            counter(
                "hedgerow_stream_forwarded_messages", "Messages of a stream that the cloud acknowledged.",
                totals.forwardedMessages),
            counter(
                "hedgerow_stream_forwarded_bytes", "Bytes of a stream that the cloud acknowledged.",
                totals.forwardedBytes),
        ]
            + totals.lost.sorted { $0.key.rawValue < $1.key.rawValue }.map { reason, count in
                MetricSample(
                    "hedgerow_stream_lost_messages", .counter,
                    help: "Messages of a stream that were lost on this core, by reason.",
                    labels: labels + [MetricLabel("reason", reason.metricName)], Double(count))
            }
    }

    private func exports(
        _ export: Hedgerow_Stream_V1_StreamExportStatus, of stream: String
    ) -> [MetricSample] {
        let labels = [MetricLabel("stream", stream), MetricLabel("export", export.name)]
        var samples = [
            MetricSample(
                "hedgerow_export_behind_messages", help: "Messages that an export lacks.", labels: labels,
                Double(export.messages)),
            MetricSample(
                "hedgerow_export_paused", help: "1 where an export is paused, else 0.", labels: labels,
                export.paused ? 1 : 0),
            MetricSample(
                "hedgerow_export_failing", help: "1 where an export failed the last time, else 0.",
                labels: labels, export.lastError.isEmpty ? 0 : 1),
        ]
        if export.hasLastTime {
            samples.append(
                MetricSample(
                    "hedgerow_export_last_success_timestamp_seconds",
                    help: "When an export took something last, seconds since 1970.", labels: labels,
                    Double(export.lastTime.seconds)))
        }
        return samples
    }
}
