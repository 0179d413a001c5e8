import CoreMetrics

/// A series that counts observations by size, as the metrics facade wants it.
final class HistogramSeries: TimerHandler, RecorderHandler {
    private let series: MetricSeries

    init(_ series: MetricSeries) { self.series = series }

    func recordNanoseconds(_ duration: Int64) { series.observe(Double(duration) / 1e9) }
    func record(_ value: Int64) { series.observe(Double(value)) }
    func record(_ value: Double) { series.observe(value) }
}
