import FoundationEssentials
import HedgerowAPI
import Messaging
import RPCSupport
import StreamStore
import SwiftProtobuf

/// Makes a page of messages, one by one, out of the batches that lie in a stream.
struct StreamPage {
    /// Most things that an account names.
    static let maximumThings = 16

    let limit: Int
    let maximumBytes: Int

    /// The messages of a section from a start on, as many as fit; at least one where one is there.
    func page(_ section: StreamSection, from start: StreamStart) -> Hedgerow_Stream_V1_ReadStreamResponse {
        var page = Hedgerow_Stream_V1_ReadStreamResponse()
        page.clamped = section.isClamped
        page.end = section.isAtEnd
        if let next = section.next { page.next = .init(next) }
        var bytes = 0
        for piece in section.pieces {
            var first = piece.entry.positions.first
            if case .position(let position) = start, position.epoch == piece.epoch {
                first = max(first, position.sequence)
            }
            for message in messages(of: piece, from: first) {
                bytes += (try? message.serializedData().count) ?? 0
                guard page.messages.isEmpty || page.messages.count < limit && bytes <= maximumBytes else {
                    page.end = false
                    page.next = message.position
                    return page
                }
                page.messages.append(message)
            }
        }
        return page
    }

    private func messages(
        of piece: StreamSection.Piece, from first: UInt64
    ) -> [Hedgerow_Stream_V1_StreamMessage] {
        let positions = piece.entry.positions
        guard first <= positions.last else { return [] }
        switch piece.entry.content {
        case .lost(let reason, let origins):
            let loss = Self.loss(
                LossReason(rawValue: reason) ?? .unspecified, sequences: positions.last - first + 1, origins)
            return [Self.message(at: first, piece.epoch) { $0.lost = loss }]
        case .batch(let stored):
            guard let batch = try? Batch(serializedBytes: stored.payload),
                UInt64(batch.count) == positions.count
            else {
                let loss = Self.loss(
                    .corrupted, sequences: positions.last - first + 1, [stored.origin])
                return [Self.message(at: first, piece.epoch) { $0.lost = loss }]
            }
            return (Int(first - positions.first)..<batch.count).map { row in
                let record = Self.record(row, of: batch, stored)
                return Self.message(at: positions.first + UInt64(row), piece.epoch) { $0.record = record }
            }
        }
    }

    private static func record(_ row: Int, of batch: Batch, _ stored: StreamBatch) -> MessageRecord {
        .with {
            $0.message = batch.message(row: row)
            $0.origin = WireOrigin(stored.origin.key)
            let sequence = Self.sequence(row, of: batch.count, stored.origin)
            $0.origin.firstSequence = sequence
            $0.origin.lastSequence = sequence
            $0.receiveTime = Microseconds.timestamp(stored.receiveTime)
            $0.receiveTimeDoubtful = stored.isReceiveTimeDoubtful
            if let source = stored.source { $0.source = WireSource(source) }
        }
    }

    /// The sequence that a message of a batch has with its origin.
    private static func sequence(
        _ row: Int, of count: Int, _ origin: StreamEntry.OriginRange
    ) -> UInt64 {
        if row < origin.rowOffsets.count { return origin.range.first + UInt64(origin.rowOffsets[row]) }
        let behind = UInt64(count - 1 - row)
        return origin.range.last - min(behind, origin.range.last)
    }

    private static func loss(
        _ reason: LossReason, sequences: UInt64, _ origins: [StreamEntry.OriginRange]
    ) -> Hedgerow_Stream_V1_StreamLoss {
        .with {
            $0.reason = reason
            $0.sequences = sequences
            $0.things = Array(Set(origins.map(\.key.thing)).sorted().prefix(maximumThings))
        }
    }

    private static func message(
        at sequence: UInt64, _ epoch: Epoch, _ fill: (inout Hedgerow_Stream_V1_StreamMessage) -> Void
    ) -> Hedgerow_Stream_V1_StreamMessage {
        .with {
            $0.position.epoch = Data(epoch.bytes)
            $0.position.sequence = sequence
            fill(&$0)
        }
    }
}
