/// What was entered into the ledger.
struct LedgerCounts: Hashable, Sendable {
    /// Messages by what became of them.
    private(set) var counts: [TelemetryRows.Column: UInt64] = [:]
    /// Messages declared lost, by the number of the reason on the wire; what turned up later is not taken off.
    private(set) var lost: [Int: UInt64] = [:]

    /// Adds messages; publishers name sequences, so that a sum may be too large to be true.
    mutating func add(_ count: UInt64, to column: TelemetryRows.Column) {
        let (sum, isTooLarge) = counts[column, default: 0].addingReportingOverflow(count)
        counts[column] = isTooLarge ? .max : sum
    }

    /// Adds messages that were declared lost.
    mutating func addLost(_ count: Int64, reason: Int) {
        guard count > 0 else { return }
        let (sum, isTooLarge) = lost[reason, default: 0].addingReportingOverflow(UInt64(count))
        lost[reason] = isTooLarge ? .max : sum
    }
}
