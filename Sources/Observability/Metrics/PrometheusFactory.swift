public import CoreMetrics

/// The metrics facade (swift-metrics) on top of a ``MetricsRegistry``.
///
/// A label of the facade is the name of a family; what a name may not have becomes `_`. Counters get `_total` and
/// timers, in seconds, `_seconds` at the end of their names.
public struct PrometheusFactory: MetricsFactory {
    private let registry: MetricsRegistry

    /// Makes a factory.
    public init(_ registry: MetricsRegistry) { self.registry = registry }

    private func series(
        _ label: String, _ kind: MetricKind, _ dimensions: [(String, String)], suffix: String = ""
    ) -> MetricSeries? {
        var name = MetricsText.name(label)
        if kind == .counter, name.hasSuffix("_total") { name.removeLast("_total".count) }
        if !suffix.isEmpty, !name.hasSuffix(suffix) { name += suffix }
        return registry.series(name, kind, labels: dimensions.map { MetricLabel($0, $1) })
    }

    /// Makes a counter.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, .counter, dimensions).map(CounterSeries.init) ?? NOOPMetricsHandler.instance
    }

    /// Makes a counter of fractions.
    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        series(label, .counter, dimensions).map(CounterSeries.init) ?? NOOPMetricsHandler.instance
    }

    /// Makes a gauge.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, .gauge, dimensions).map(GaugeSeries.init) ?? NOOPMetricsHandler.instance
    }

    /// Makes a histogram, or a gauge where nothing is to be aggregated.
    public func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        if aggregate {
            return series(label, .histogram, dimensions).map(HistogramSeries.init)
                ?? NOOPMetricsHandler.instance
        }
        return series(label, .gauge, dimensions).map(GaugeSeries.init) ?? NOOPMetricsHandler.instance
    }

    /// Makes a histogram of seconds.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, .histogram, dimensions, suffix: "_seconds").map(HistogramSeries.init)
            ?? NOOPMetricsHandler.instance
    }

    /// Does nothing: a series stays until the process ends, so that it never goes back.
    public func destroyCounter(_ handler: any CounterHandler) {}
    /// Does nothing.
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    /// Does nothing.
    public func destroyMeter(_ handler: any MeterHandler) {}
    /// Does nothing.
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    /// Does nothing.
    public func destroyTimer(_ handler: any TimerHandler) {}
}
