import HedgerowAPI
import Messaging
import RPCSupport

/// The origin sequence of each message of a batch: consecutive, or ascending with gaps where a component's steps
/// dropped messages between them.
struct RowSequences: Hashable {
    /// Sequence of the first message.
    let first: UInt64
    /// Distance of each message from ``first``, ascending from 0; empty where the messages follow each other.
    private let offsets: [UInt32]
    /// Number of messages.
    let count: Int

    /// Messages that follow each other.
    init(_ range: SequenceRange) {
        first = range.first
        offsets = []
        count = Int(clamping: range.count)
    }

    /// Messages at distances from a sequence; nil where the distances are not ascending or there are none.
    init?(first: UInt64, offsets: [UInt32]) {
        guard let lowest = offsets.first, let highest = offsets.last,
            zip(offsets, offsets.dropFirst()).allSatisfy({ $0 < $1 }),
            !first.addingReportingOverflow(UInt64(highest)).overflow
        else { return nil }
        self.first = first + UInt64(lowest)
        count = offsets.count
        let isConsecutive = Int(highest - lowest) == offsets.count - 1
        self.offsets = isConsecutive ? [] : lowest == 0 ? offsets : offsets.map { $0 - lowest }
    }

    /// Sequence of the last message.
    var last: UInt64 { sequence(of: count - 1) }

    /// From the first to the last message, what lies between them included.
    var span: SequenceRange { SequenceRange(first, last) ?? SequenceRange(only: first) }

    /// Sequence of a message; the row must exist.
    func sequence(of row: Int) -> UInt64 { first + UInt64(offsets.isEmpty ? UInt32(row) : offsets[row]) }

    /// The messages as runs of sequences that follow each other, ascending.
    var ranges: [SequenceRange] {
        if offsets.isEmpty { return [span] }
        var set = SequenceSet()
        for row in 0..<count { set.insert(SequenceRange(only: sequence(of: row))) }
        return set.ranges
    }

    /// The rows whose sequences lie in ranges, split into what is stored as one batch each: the runs of messages
    /// that follow each other, or all together where they had gaps to begin with.
    func parts(in ranges: [SequenceRange]) -> [[Int]] {
        guard !offsets.isEmpty else {
            return ranges.compactMap { range in
                guard let common = range.intersection(span) else { return nil }
                return Array(Int(common.first - first)...Int(common.last - first))
            }
        }
        var rows: [Int] = []
        var remaining = ranges[...]
        for row in 0..<count {
            let sequence = sequence(of: row)
            while let range = remaining.first, range.last < sequence { remaining.removeFirst() }
            if let range = remaining.first, range.first <= sequence { rows.append(row) }
        }
        return rows.isEmpty ? [] : [rows]
    }

    /// Writes the sequences of some rows, ascending, into an origin.
    func write(_ rows: [Int], to origin: inout WireOrigin) {
        guard let firstRow = rows.first, let lastRow = rows.last else { return }
        origin.firstSequence = sequence(of: firstRow)
        origin.lastSequence = sequence(of: lastRow)
        let isConsecutive = origin.lastSequence - origin.firstSequence == UInt64(rows.count - 1)
        origin.rowOffsets =
            isConsecutive ? [] : rows.map { UInt32(clamping: sequence(of: $0) - origin.firstSequence) }
    }
}
