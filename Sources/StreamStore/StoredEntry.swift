import Foundation
import GRDB
import Messaging

/// A row of `stream_entry`, all but its payload: as it lies there, with the sums that show damage.
struct StoredEntry {
    /// The columns, in the order of ``init(_:)``; the payload is not among them.
    static let columns = """
        id, epoch_id, first, last, reason, receive_time, doubtful, thing, origin_epoch, component, origin_first, \
        origin_last, row_offsets, source_component, source_version, source_revision, traced_since, \
        payload_checksum, header_checksum
        """
    /// How many ``columns`` there are.
    static let columnCount = 19

    var id: Int64 = 0
    var epochID: Int64
    var first: Int64
    var last: Int64
    var reason: Int64?
    var receiveTime: Int64
    var doubtful: Int64
    var thing: String?
    var originEpoch: Data?
    var component: String?
    var originFirst: Int64?
    var originLast: Int64?
    var rowOffsets: Data?
    var sourceComponent: String?
    var sourceVersion: String?
    var sourceRevision: Int64?
    var tracedSince: Int64?
    /// CRC-32C of the payload; nil where an older version wrote the row, and in accounts.
    var payloadChecksum: Int64?
    /// ``sum`` when it was written; nil where an older version wrote the row.
    var headerChecksum: Int64?

    /// A batch at its place.
    init(_ batch: StreamBatch, at positions: SequenceRange, epochID: Int64) {
        self.epochID = epochID
        first = Int64(positions.first)
        last = Int64(positions.last)
        receiveTime = batch.receiveTime
        doubtful = batch.isReceiveTimeDoubtful ? 1 : 0
        thing = batch.origin.key.thing
        originEpoch = Data(batch.origin.key.epoch.bytes)
        component = batch.origin.key.component
        originFirst = Int64(batch.origin.range.first)
        originLast = Int64(batch.origin.range.last)
        rowOffsets = RowOffsets.data(batch.origin.rowOffsets)
        sourceComponent = batch.source?.component
        sourceVersion = batch.source?.version
        sourceRevision = batch.source.map { Int64(clamping: $0.revision) }
        tracedSince = batch.tracedSince
        payloadChecksum = Int64(CRC32C.of(batch.payload))
        headerChecksum = sum
    }

    /// An account of sequences that will never be sent.
    init(accountFor positions: SequenceRange, reason: Int, receiveTime: Int64, epochID: Int64) {
        self.epochID = epochID
        first = Int64(positions.first)
        last = Int64(positions.last)
        self.reason = Int64(reason)
        self.receiveTime = receiveTime
        doubtful = 0
        headerChecksum = sum
    }

    /// Reads ``columns``; nil where a value that every row has is not there.
    init?(_ row: Row) {
        guard let id = row.integer(0), let epochID = row.integer(1), let first = row.integer(2),
            let last = row.integer(3), let receiveTime = row.integer(5), let doubtful = row.integer(6)
        else { return nil }
        self.id = id
        self.epochID = epochID
        self.first = first
        self.last = last
        reason = row.integer(4)
        self.receiveTime = receiveTime
        self.doubtful = doubtful
        thing = row.text(7)
        originEpoch = row.blob(8)
        component = row.text(9)
        originFirst = row.integer(10)
        originLast = row.integer(11)
        rowOffsets = row.blob(12)
        sourceComponent = row.text(13)
        sourceVersion = row.text(14)
        sourceRevision = row.integer(15)
        tracedSince = row.integer(16)
        payloadChecksum = row.integer(17)
        headerChecksum = row.integer(18)
        // An older version wrote no sum: then what cannot be is all that shows.
        guard headerChecksum.map({ $0 == sum }) ?? true else { return nil }
        guard positions != nil, reason != nil || origin != nil else { return nil }
    }

    /// Its sequences.
    var positions: SequenceRange? { SequenceRange(stored: first, last) }

    /// Whose messages they are; nil in accounts.
    var origin: StreamEntry.OriginRange? {
        guard let thing, let component, let epoch = originEpoch.flatMap({ Epoch($0) }),
            let range = SequenceRange(stored: originFirst, originLast)
        else { return nil }
        return .init(
            key: OriginKey(thing: thing, epoch: epoch, component: component), range: range,
            rowOffsets: rowOffsets.flatMap { RowOffsets.unpacked($0) } ?? [])
    }

    /// Whether ``rowOffsets`` can be read. Where not, nobody can say which of the origins the messages have.
    var areOffsetsSound: Bool { rowOffsets.map { RowOffsets.unpacked($0) != nil } ?? true }

    /// Whether a payload is the one that was stored.
    func isSound(_ payload: [UInt8]) -> Bool {
        areOffsetsSound && (payloadChecksum.map { $0 == Int64(CRC32C.of(payload)) } ?? true)
    }

    /// What made the messages.
    var source: StreamBatch.Source? {
        sourceComponent.map {
            StreamBatch.Source(
                component: $0, version: sourceVersion ?? "", revision: UInt64(clamping: sourceRevision ?? 0))
        }
    }

    /// The sum of everything here but ``id`` and the sum itself.
    var sum: Int64 {
        var fields = FieldSum()
        for value in [epochID, first, last, reason, receiveTime, doubtful, originFirst, originLast] {
            fields.add(value)
        }
        for value in [sourceRevision, tracedSince, payloadChecksum] { fields.add(value) }
        for text in [thing, component, sourceComponent, sourceVersion] { fields.add(text) }
        for bytes in [originEpoch, rowOffsets] { fields.add(bytes) }
        return fields.value
    }

    /// Puts it into the database, with its payload where it is a batch.
    func insert(_ db: Database, payload: Data?) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO stream_entry (\(Self.columns), bytes, payload)
                VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(
            arguments: [
                epochID, first, last, reason, receiveTime, doubtful, thing, originEpoch, component,
                originFirst,
                originLast, rowOffsets, sourceComponent, sourceVersion, sourceRevision, tracedSince,
                payloadChecksum, headerChecksum, Int64(payload?.count ?? 0), payload,
            ])
    }
}
