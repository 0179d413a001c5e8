import HedgerowAPI
import Messaging
import RPCSupport
import StreamStore

extension ExportProgress {
    /// Goes on to an entry: what is missing before it is lost to this export.
    mutating func skip(to entry: StreamEntry) {
        guard entry.positions.first > through + 1 else { return }
        lost += entry.positions.first - 1 - through
        through = entry.positions.first - 1
    }

    /// Steps over an entry that cannot be exported: an account of lost messages, or what is damaged.
    mutating func lose(_ entry: StreamEntry) {
        let count = entry.positions.last - min(max(through, entry.positions.first - 1), entry.positions.last)
        switch entry.content {
        case .batch: lost += count
        case .lost(let reason, _):
            switch LossReason(rawValue: reason) {
            case .overwritten?, .expired?, .corrupted?, .deleted?: lost += count
            // Accounts of what never was a message of this stream.
            default: break
            }
        }
        through = max(through, entry.positions.last)
    }
}
