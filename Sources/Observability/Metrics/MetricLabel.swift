/// A name and a value that tell one series of a family from the others.
public struct MetricLabel: Hashable, Sendable {
    /// Letters, digits and `_`.
    public let name: String
    /// Any text.
    public let value: String

    /// Makes a label; what a name may not have becomes `_`.
    public init(_ name: String, _ value: String) {
        self.name = MetricsText.name(name, colons: false)
        self.value = value
    }
}
