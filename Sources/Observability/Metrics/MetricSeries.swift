import Synchronization

/// One series of a family: a value, or counts by size.
final class MetricSeries: Sendable {
    /// Upper bounds of the sizes that a histogram tells apart: seconds for times.
    static let bounds: [Double] = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    private struct State {
        var value = 0.0
        var counts: [UInt64]
    }

    let labels: [MetricLabel]
    private let state: Mutex<State>

    init(labels: [MetricLabel], kind: MetricKind) {
        self.labels = labels
        let counts = kind == .histogram ? Array(repeating: UInt64(0), count: Self.bounds.count + 1) : []
        state = Mutex(State(counts: counts))
    }

    var value: Double { state.withLock { $0.value } }

    func add(_ amount: Double) { state.withLock { $0.value += amount } }

    func set(_ value: Double) { state.withLock { $0.value = value } }

    /// Counts an observation; ``value`` is the sum.
    func observe(_ value: Double) {
        let index = Self.bounds.firstIndex { value <= $0 } ?? Self.bounds.count
        state.withLock { state in
            state.value += value
            state.counts[index] += 1
        }
    }

    /// Writes the series of a family.
    func write(_ name: String, _ kind: MetricKind, to text: inout MetricsText) {
        let state = state.withLock { $0 }
        switch kind {
        case .counter: text.add("\(name)_total", labels, state.value)
        case .gauge: text.add(name, labels, state.value)
        case .histogram:
            var sum: UInt64 = 0
            for (index, count) in state.counts.enumerated() {
                sum += count
                let bound = index < Self.bounds.count ? Self.bounds[index] : .infinity
                text.add(
                    "\(name)_bucket", labels + [MetricLabel("le", MetricsText.number(bound))], Double(sum))
            }
            text.add("\(name)_sum", labels, state.value)
            text.add("\(name)_count", labels, Double(sum))
        }
    }
}
