import HedgerowAPI
import Messaging
import RPCSupport

/// Messages that a transaction stored, for those who listen live.
struct StoredMessages: Sendable {
    /// Name under which history keeps them.
    let thing: String
    let topic: Topic
    let batch: Batch
    /// A record without its message; its origin's `first_sequence` is that of the first message, or 0, and its
    /// `row_offsets` say the others' where they do not follow it one by one.
    let detail: MessageRecord

    /// The messages one by one.
    var records: [MessageRecord] { Self.records(batch: batch, detail: detail, rows: 0..<batch.count) }

    /// Some messages of a batch one by one.
    static func records(batch: Batch, detail: MessageRecord, rows: some Sequence<Int>) -> [MessageRecord] {
        let offsets = detail.origin.rowOffsets
        var bare = detail
        bare.origin.rowOffsets = []
        return rows.map { row in
            var record = bare
            record.message = batch.message(row: row)
            if detail.origin.firstSequence > 0 {
                let offset = row < offsets.count ? UInt64(offsets[row]) : UInt64(row)
                record.origin.firstSequence = detail.origin.firstSequence + offset
                record.origin.lastSequence = record.origin.firstSequence
            }
            return record
        }
    }
}
