/// Consecutive sequence numbers, both ends included.
public struct SequenceRange: Hashable, Sendable, CustomStringConvertible {
    /// The first.
    public var first: UInt64
    /// The last; not less than the first.
    public var last: UInt64

    /// Makes a range; nil where `last` is less than `first`.
    public init?(_ first: UInt64, _ last: UInt64) {
        guard first <= last else { return nil }
        self.first = first
        self.last = last
    }

    /// Makes a range of one number.
    public init(only sequence: UInt64) {
        first = sequence
        last = sequence
    }

    /// How many numbers it has (saturating at `UInt64.max`).
    public var count: UInt64 {
        let (sum, overflow) = (last - first).addingReportingOverflow(1)
        return overflow ? .max : sum
    }

    /// `first-last`.
    public var description: String { "\(first)-\(last)" }

    /// What both have in common.
    public func intersection(_ other: SequenceRange) -> SequenceRange? {
        SequenceRange(max(first, other.first), min(last, other.last))
    }

    /// What is left without another range: none, one or two ranges.
    public func subtracting(_ other: SequenceRange) -> [SequenceRange] {
        guard let common = intersection(other) else { return [self] }
        var left: [SequenceRange] = []
        if common.first > first, let range = SequenceRange(first, common.first - 1) { left.append(range) }
        if common.last < last, let range = SequenceRange(common.last + 1, last) { left.append(range) }
        return left
    }
}
