/// A set of sequence numbers, kept as sorted ranges that neither overlap nor touch.
public struct SequenceSet: Hashable, Sendable {
    /// The ranges, ascending.
    public private(set) var ranges: [SequenceRange] = []

    /// Makes an empty set.
    public init() {}

    /// Makes a set of ranges in any order.
    public init(_ ranges: some Sequence<SequenceRange>) {
        for range in ranges { insert(range) }
    }

    /// How many numbers it has (saturating).
    public var count: UInt64 {
        ranges.reduce(0) { sum, range in
            let (next, overflow) = sum.addingReportingOverflow(range.count)
            return overflow ? .max : next
        }
    }

    /// Whether it has a number.
    public func contains(_ sequence: UInt64) -> Bool {
        let index = firstIndex(endingAtOrAfter: sequence)
        return index < ranges.count && ranges[index].first <= sequence
    }

    /// Adds a range.
    public mutating func insert(_ range: SequenceRange) {
        // Ranges that touch the new one are merged with it.
        let low = firstIndex(endingAtOrAfter: range.first == 0 ? 0 : range.first - 1)
        var high = low
        var merged = range
        while high < ranges.count, ranges[high].first <= (range.last == .max ? .max : range.last + 1) {
            merged.first = min(merged.first, ranges[high].first)
            merged.last = max(merged.last, ranges[high].last)
            high += 1
        }
        ranges.replaceSubrange(low..<high, with: [merged])
    }

    /// Takes a range out.
    public mutating func remove(_ range: SequenceRange) {
        let low = firstIndex(endingAtOrAfter: range.first)
        var high = low
        var left: [SequenceRange] = []
        while high < ranges.count, ranges[high].first <= range.last {
            left.append(contentsOf: ranges[high].subtracting(range))
            high += 1
        }
        ranges.replaceSubrange(low..<high, with: left)
    }

    /// The parts of a range that are not in the set, ascending.
    public func missing(from range: SequenceRange) -> [SequenceRange] {
        var left = SequenceSet([range])
        var index = firstIndex(endingAtOrAfter: range.first)
        while index < ranges.count, ranges[index].first <= range.last {
            left.remove(ranges[index])
            index += 1
        }
        return left.ranges
    }

    /// The ranges between the first and the last number that are not in the set.
    public var gaps: [SequenceRange] {
        zip(ranges, ranges.dropFirst()).compactMap { SequenceRange($0.last + 1, $1.first - 1) }
    }

    private func firstIndex(endingAtOrAfter sequence: UInt64) -> Int {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].last < sequence { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
