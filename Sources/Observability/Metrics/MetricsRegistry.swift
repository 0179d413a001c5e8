import CoreMetrics
import Synchronization

/// The metrics of a program, read as text by whoever asks: what the facade (swift-metrics) records, and what collectors
/// tell when they are asked.
///
/// Bounded: at most ``maximumSeries`` series of each of the two; what is beyond is counted in
/// `hedgerow_metrics_dropped_series_total` and otherwise left out.
public final class MetricsRegistry: Sendable {
    /// Most series that the facade makes, and most that collectors tell in one reading.
    public static let maximumSeries = 2_000

    /// Tells what is true when it is asked. It is asked at every reading, so it may not take long.
    public typealias Collector = @Sendable () async -> [MetricSample]

    private struct Family {
        let kind: MetricKind
        var series: [[MetricLabel]: MetricSeries] = [:]
    }

    private struct State {
        var families: [String: Family] = [:]
        var help: [String: String] = [:]
        var collectors: [Collector] = []
        var count = 0
        var dropped: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Makes an empty registry.
    public init() {}

    /// Says what families of the facade are, each in one sentence.
    public func describe(_ help: [String: String]) {
        state.withLock { $0.help.merge(help) { _, new in new } }
    }

    /// Adds a collector, for as long as the registry lives.
    public func addCollector(_ collector: @escaping Collector) {
        state.withLock { $0.collectors.append(collector) }
    }

    /// The series of a family, made where it is not there; nil where there is no room, or where the family is of
    /// another kind.
    func series(_ name: String, _ kind: MetricKind, labels: [MetricLabel]) -> MetricSeries? {
        let key = labels.sorted { $0.name < $1.name }
        return state.withLock { state in
            if let family = state.families[name] {
                guard family.kind == kind else { return Self.drop(&state) }
                if let series = family.series[key] { return series }
            }
            guard state.count < Self.maximumSeries else { return Self.drop(&state) }
            state.count += 1
            let series = MetricSeries(labels: key, kind: kind)
            state.families[name, default: Family(kind: kind)].series[key] = series
            return series
        }
    }

    private static func drop(_ state: inout State) -> MetricSeries? {
        state.dropped += 1
        return nil
    }

    // MARK: Reading

    /// Everything as text.
    public func text(_ format: MetricsFormat) async -> String {
        let collectors = state.withLock { $0.collectors }
        var samples: [MetricSample] = []
        for collector in collectors { samples += await collector() }
        if samples.count > Self.maximumSeries {
            let excess = samples.count - Self.maximumSeries
            samples.removeLast(excess)
            state.withLock { $0.dropped += UInt64(excess) }
        }
        let (families, help, dropped) = state.withLock { ($0.families, $0.help, $0.dropped) }
        samples.append(
            MetricSample(
                "hedgerow_metrics_dropped_series", .counter,
                help: "Series left out because there were too many.", Double(dropped)))
        var text = MetricsText(format: format)
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            text.begin(name, family.kind, help: help[name] ?? name)
            for (_, series) in family.series.sorted(by: { Self.precedes($0.key, $1.key) }) {
                series.write(name, family.kind, to: &text)
            }
        }
        Self.write(samples, leavingOut: Set(families.keys), to: &text)
        text.finish()
        return text.text
    }

    /// Writes samples by family; each series once.
    private static func write(
        _ samples: [MetricSample], leavingOut known: Set<String>, to text: inout MetricsText
    ) {
        var order: [String] = []
        var families: [String: [MetricSample]] = [:]
        for sample in samples {
            let name = MetricsText.name(sample.name)
            if known.contains(name) || sample.kind == .histogram { continue }
            if families[name] == nil { order.append(name) }
            families[name, default: []].append(sample)
        }
        for name in order {
            guard let samples = families[name], let first = samples.first else { continue }
            text.begin(name, first.kind, help: first.help)
            var seen = Set<[MetricLabel]>()
            for sample in samples where sample.kind == first.kind && seen.insert(sample.labels).inserted {
                text.add(sample.kind == .counter ? "\(name)_total" : name, sample.labels, sample.value)
            }
        }
    }

    private static func precedes(_ first: [MetricLabel], _ second: [MetricLabel]) -> Bool {
        first.map(\.value).lexicographicallyPrecedes(second.map(\.value))
    }
}
