/// What a family of metrics is, as the exposition formats call it.
public enum MetricKind: String, Hashable, Sendable {
    /// Only grows, from 0 at the start of the process.
    case counter
    /// A value of now.
    case gauge
    /// Counts of observations by size.
    case histogram
}
