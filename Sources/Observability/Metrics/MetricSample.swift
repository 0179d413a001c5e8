/// One value that is taken when metrics are read, by a collector.
public struct MetricSample: Hashable, Sendable {
    /// Name of the family: letters, digits and `_`; without `_total`.
    public var name: String
    /// What it is, in one sentence.
    public var help: String
    /// Counter or gauge.
    public var kind: MetricKind
    /// Labels in their order.
    public var labels: [MetricLabel]
    /// The value.
    public var value: Double

    /// Makes a sample.
    public init(
        _ name: String, _ kind: MetricKind = .gauge, help: String, labels: [MetricLabel] = [], _ value: Double
    ) {
        self.name = name
        self.kind = kind
        self.help = help
        self.labels = labels
        self.value = value
    }
}
