import HedgerowAPI
import Metrics
import RPCSupport

/// Counts what is entered into the ledger, for whoever reads the metrics; next to nothing where nobody does.
struct LedgerMetrics: Sendable {
    private let received = Counter(
        label: "hedgerow_ledger_messages", dimensions: [("outcome", "received")])
    private let duplicates = Counter(
        label: "hedgerow_ledger_messages", dimensions: [("outcome", "duplicate")])
    private let rejected = Counter(
        label: "hedgerow_ledger_messages", dimensions: [("outcome", "rejected")])
    private let lost: [Int: Counter]

    /// What the families are.
    static let help = [
        "hedgerow_ledger_messages": "Messages entered into the ledger, by what became of them.",
        "hedgerow_ledger_lost_messages":
            "Messages that were declared lost, by reason; not all are losses, see the ledger.",
    ]

    init() {
        lost = Dictionary(
            uniqueKeysWithValues: LossReason.allCases.map { reason in
                (
                    reason.rawValue,
                    Counter(
                        label: "hedgerow_ledger_lost_messages", dimensions: [("reason", reason.metricName)])
                )
            })
    }

    /// Counts what a transaction entered, after it was committed.
    func count(_ counts: LedgerCounts) {
        for (column, count) in counts.counts {
            switch column {
            case .received: received.increment(by: Int64(clamping: count))
            case .duplicates: duplicates.increment(by: Int64(clamping: count))
            case .rejected: rejected.increment(by: Int64(clamping: count))
            }
        }
        for (reason, count) in counts.lost { lost[reason]?.increment(by: Int64(clamping: count)) }
    }
}
