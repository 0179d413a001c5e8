/// A signed stretch of time in nanoseconds: CEL's duration. The range is that of 64 bits, about 292 years
/// either way, as in CEL's reference implementation; what exceeds it is an error.
public struct TimeSpan: Hashable, Comparable, Sendable {
    /// The length in nanoseconds.
    public let nanoseconds: Int64

    /// Makes a stretch of nanoseconds.
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Makes a stretch of a standard library duration, cut to nanoseconds; nil where out of range.
    public init?(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (product, overflows) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, exceeds) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        if overflows || exceeds { return nil }
        nanoseconds = sum
    }

    /// The same as a standard library duration.
    public var duration: Duration { .nanoseconds(nanoseconds) }

    /// Shorter is less.
    public static func < (left: TimeSpan, right: TimeSpan) -> Bool { left.nanoseconds < right.nanoseconds }
}
