/// Ascending, disjoint ranges of sequences. The lists are short: one range for each time that something was
/// lost or refused between two acknowledgements.
enum RangeList {
    typealias Sequences = ClosedRange<UInt64>

    /// The list with a range added, overlapping and neighbouring ranges merged.
    static func inserting(_ range: Sequences, into list: [Sequences]) -> [Sequences] {
        var result: [Sequences] = []
        result.reserveCapacity(list.count + 1)
        var lower = range.lowerBound
        var upper = range.upperBound
        var placed = false
        for other in list {
            if other.upperBound < lower, lower - other.upperBound > 1 {
                result.append(other)
            } else if other.lowerBound > upper, other.lowerBound - upper > 1 {
                if !placed {
                    result.append(lower...upper)
                    placed = true
                }
                result.append(other)
            } else {
                lower = min(lower, other.lowerBound)
                upper = max(upper, other.upperBound)
            }
        }
        if !placed { result.append(lower...upper) }
        return result
    }

    /// The parts of a list that lie in a window.
    static func intersecting(_ list: [Sequences], with window: Sequences) -> [Sequences] {
        list.compactMap { $0.overlaps(window) ? $0.clamped(to: window) : nil }
    }

    /// What is left of a window without the ranges of a list.
    static func subtracting(_ list: [Sequences], from window: Sequences) -> [Sequences] {
        var result: [Sequences] = []
        var next = window.lowerBound
        for range in intersecting(list, with: window) {
            if range.lowerBound > next { result.append(next...(range.lowerBound - 1)) }
            next = range.upperBound + 1
        }
        if next <= window.upperBound { result.append(next...window.upperBound) }
        return result
    }

    /// Both lists in one.
    static func union(_ one: [Sequences], _ other: [Sequences]) -> [Sequences] {
        other.reduce(one) { inserting($1, into: $0) }
    }

    /// The list without what lies at or below a sequence.
    static func dropping(through sequence: UInt64, from list: [Sequences]) -> [Sequences] {
        list.compactMap { range in
            if range.upperBound <= sequence { return nil }
            return max(range.lowerBound, sequence + 1)...range.upperBound
        }
    }

    /// How many sequences a list names.
    static func count(_ list: [Sequences]) -> UInt64 {
        list.reduce(0) { $0 + ($1.upperBound - $1.lowerBound + 1) }
    }
}
