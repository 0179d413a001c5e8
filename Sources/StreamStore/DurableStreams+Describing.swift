import Foundation
import GRDB
import Messaging

extension DurableStreams {
    /// What a stream holds and how far its exports are. Costs a few look-ups for each epoch, however much is there.
    public func describe(_ stream: String) throws -> StreamDescription {
        let epochs = try storedEpochs(of: stream)
        let first = try db.cachedStatement(
            sql: "SELECT first, receive_time FROM stream_entry WHERE epoch_id = ? ORDER BY first LIMIT 1")
        var parts: [StreamDescription.EpochPart] = []
        var oldestTime: Int64?
        for epoch in epochs {
            let row = try Row.fetchOne(first, arguments: [epoch.id])
            if oldestTime == nil { oldestTime = row?.integer(1) }
            let oldest = row?.integer(0).map { UInt64(clamping: $0) }
            parts.append(
                .init(
                    id: epoch.id, epoch: epoch.epoch, oldest: oldest, newest: epoch.next - 1,
                    messages: try oldest.map { try messages(of: epoch, from: $0) } ?? 0,
                    acknowledged: epoch.acknowledged, cloudUntil: epoch.cloudUntil))
        }
        return StreamDescription(
            stream: stream, epochs: parts, bytes: try bytes(in: stream), accounts: try accounts(in: stream),
            oldestReceiveTime: oldestTime,
            exports: try exports(of: stream).map { try describe($0, epochs: epochs) })
    }

    /// Messages of an epoch that are there: all sequences from the oldest on but those that only an account is of.
    private func messages(of epoch: StoredEpoch, from oldest: UInt64) throws -> UInt64 {
        guard epoch.cloudUntil == nil || epoch.cloudUntil == 0 else {
            // Sequences may be missing behind the last one that goes to the cloud, so they are counted.
            let statement = try db.cachedStatement(
                sql: "SELECT sum(last - first + 1) FROM stream_entry WHERE epoch_id = ? AND reason IS NULL")
            return UInt64(clamping: try Int64.fetchOne(statement, arguments: [epoch.id]) ?? 0)
        }
        let statement = try db.cachedStatement(
            sql: "SELECT sum(last - first + 1) FROM stream_entry WHERE epoch_id = ? AND reason IS NOT NULL")
        let lost = UInt64(clamping: try Int64.fetchOne(statement, arguments: [epoch.id]) ?? 0)
        let all = epoch.next - min(oldest, epoch.next)
        return all - min(lost, all)
    }

    private func describe(
        _ state: StreamExportState, epochs: [StoredEpoch]
    ) throws -> StreamDescription.Export {
        var acknowledged: [StreamPosition] = []
        var behind: UInt64 = 0
        let cursor = try db.cachedStatement(
            sql: "SELECT acknowledged FROM stream_cursor WHERE epoch_id = ? AND export = ?")
        for epoch in epochs {
            let end =
                state.name == Self.cloudExport
                ? min(epoch.next - 1, epoch.cloudUntil ?? .max) : epoch.next - 1
            let has =
                state.name == Self.cloudExport
                ? epoch.acknowledged
                : UInt64(clamping: try Int64.fetchOne(cursor, arguments: [epoch.id, state.name]) ?? 0)
            acknowledged.append(StreamPosition(epoch: epoch.epoch, sequence: has))
            if end > has { behind += end - has }
        }
        return .init(state: state, acknowledged: acknowledged, behind: behind)
    }
}
