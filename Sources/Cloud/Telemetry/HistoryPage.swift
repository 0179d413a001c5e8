import HedgerowAPI
import RPCSupport

/// One page of history, newest sample first.
struct HistoryPage: Sendable {
    var records: [MessageRecord]
    /// Where the next page begins; nil on the last one.
    var next: HistoryPosition?
}
