import CoreMetrics

/// A series that only grows, as the metrics facade wants it.
final class CounterSeries: CounterHandler, FloatingPointCounterHandler {
    private let series: MetricSeries

    init(_ series: MetricSeries) { self.series = series }

    func increment(by amount: Int64) { if amount > 0 { series.add(Double(amount)) } }
    func increment(by amount: Double) { if amount > 0 { series.add(amount) } }
    func reset() { series.set(0) }
}
