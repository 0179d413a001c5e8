import HedgerowAPI
import Messaging
import RPCSupport
import StreamStore
import SwiftProtobuf

// The account of what does not travel itself: refused, lost, routed elsewhere.

extension CoreIngestTransaction {
    func reject(
        _ range: SequenceRange, _ refusal: IncomingPublication.Refusal, coverage: inout IngestCoverage,
        into result: inout Result
    ) throws {
        result.outcome.rejected.append(Self.rejection(range, refusal))
        // While the cloud is away for long, refusals must not fill the disk: the next batch covers them then.
        guard try hasRoomForAccounts else { return }
        try account(for: range, reason: .rejected, coverage: &coverage)
        result.wokenStreams.insert(table.accountStream)
    }

    /// Whether accounts that can be told in another way may be added.
    var hasRoomForAccounts: Bool {
        get throws { try streams.accounts(in: table.accountStream) < DurableStreams.maximumAccounts }
    }

    /// Tells the cloud that sequences will not come, and first of those before them that no route led there.
    func account(
        for range: SequenceRange, reason: LossReason, coverage: inout IngestCoverage
    ) throws {
        if let unrouted = SequenceRange(coverage.own + 1, range.first - 1) {
            try tell(unrouted, .notRoutedToCloud, of: key(nil))
        }
        try tell(range, reason, of: key(nil))
        coverage.own = range.last
    }

    /// Enters an account.
    func tell(_ range: SequenceRange, _ reason: LossReason, of key: OriginKey) throws {
        try appendLost(.init(key: key, range: range), reason: reason)
    }

    func appendLost(_ origin: StreamEntry.OriginRange, reason: LossReason) throws {
        try streams.appendLost(
            origin, reason: reason.rawValue, to: table.accountStream,
            epoch: lanes.current(of: table.accountStream, isInMemory: false), now: now)
    }

    /// Takes sequences that will never come, of the thing and so of every output.
    func takeLost(
        _ range: SequenceRange, reason: LossReason, coverage: inout IngestCoverage
    ) throws {
        try account(for: range, reason: reason, coverage: &coverage)
        try loseDerived(range, reason: reason, coverage: &coverage)
    }

    static func rejection(_ range: SequenceRange?, _ refusal: IncomingPublication.Refusal)
        -> Rejection
    {
        .with {
            $0.firstSequence = range?.first ?? 0
            $0.lastSequence = range?.last ?? 0
            $0.reason = refusal.reason
            $0.detail = refusal.detail
        }
    }
}
