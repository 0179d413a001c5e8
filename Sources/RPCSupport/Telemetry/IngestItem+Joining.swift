import HedgerowAPI
import Messaging
import SwiftProtobuf

// Things that publish one reading a request are batched on their way: what waited together, follows each other and has
// the same shape becomes one batch before it is stored, transformed and forwarded.

extension IngestItem {
    /// Publications with more messages are left as they came: for these a batch is stored as it is.
    static let maximumJoined = 16

    /// Joins small publications that follow each other, where nothing tells them apart but time and values.
    ///
    /// The messages, their sequences and what becomes of each are the same as before. What another one published first
    /// (`origin`), what has no sequence, and what is refused stay as they are.
    ///
    /// - Parameter items: in the order of their sequences.
    public static func joining(_ items: [IngestItem]) -> [IngestItem] {
        let limits = MessageLimits.standard
        guard items.count > 1 else { return items }
        var joined: [IngestItem] = []
        var open: [IncomingPublication] = []
        var (count, bytes) = (0, 0)
        func close() {
            defer {
                open.removeAll(keepingCapacity: true)
                (count, bytes) = (0, 0)
            }
            if open.count > 1, let publication = IncomingPublication(joining: open, limits: limits) {
                joined.append(.messages(publication))
            } else {
                joined.append(contentsOf: open.map { .messages($0) })
            }
        }
        for item in items {
            guard case .messages(let publication) = item, publication.isJoinable else {
                close()
                joined.append(item)
                continue
            }
            let size = publication.checked?.encoded.count ?? 0
            if let last = open.last,
                !last.isContinued(by: publication)
                    || count + publication.count > limits.maximumBatchMessages
                    || bytes + size > limits.maximumBatchBytes
            {
                close()
            }
            open.append(publication)
            count += publication.count
            bytes += size
        }
        close()
        return joined
    }
}

extension IncomingPublication {
    fileprivate var checked: Checked? { try? content.get() }

    fileprivate var isJoinable: Bool {
        guard positions != nil, count <= IngestItem.maximumJoined, origin == nil, source == nil,
            receiveTime == nil, let batch = checked?.batch, case .readings(let readings)? = batch.content
        else { return false }
        return readings.statuses.isEmpty && readings.columns.allSatisfy(\.absentRows.isEmpty)
    }

    /// Whether another one comes right behind this and has the same shape.
    fileprivate func isContinued(by next: IncomingPublication) -> Bool {
        guard let positions, let following = next.positions, positions.last + 1 == following.first,
            let own = checked?.batch, let other = next.checked?.batch,
            own.topic == other.topic, own.timeDoubtful == other.timeDoubtful,
            own.unknownFields == other.unknownFields,
            own.readings.columns.count == other.readings.columns.count
        else { return false }
        return zip(own.readings.columns, other.readings.columns).allSatisfy { one, two in
            one.name == two.name && one.unit == two.unit && one.kind == two.kind
        }
    }

    /// Joins publications of one shape that follow each other; nil where they do not fit into one batch after all.
    fileprivate init?(joining parts: [IncomingPublication], limits: MessageLimits) {
        guard let first = parts.first, let last = parts.last, var batch = first.checked?.batch,
            let topic = first.checked?.topic, let begin = first.positions?.first,
            let end = last.positions?.last,
            let positions = SequenceRange(begin, end), let base = Microseconds.of(batch.baseTime)
        else { return nil }
        var span = first.checked?.span ?? base...base
        // Apart from the batch while they grow: inside it each change would copy all of them.
        var columns = batch.readings.columns
        batch.readings.columns = []
        for part in parts.dropFirst() {
            guard let next = part.checked, let time = Microseconds.of(next.batch.baseTime) else { return nil }
            let row = batch.timeOffsetsUs.count
            batch.timeOffsetsUs.append(contentsOf: next.batch.timeOffsetsUs.map { $0 + (time - base) })
            for (index, column) in next.batch.readings.columns.enumerated() { columns[index].append(column) }
            for var trace in next.batch.traces {
                trace.row += UInt32(row)
                batch.traces.append(trace)
            }
            span = min(span.lowerBound, next.span.lowerBound)...max(span.upperBound, next.span.upperBound)
        }
        batch.readings.columns = columns
        guard span.upperBound - span.lowerBound <= limits.maximumBatchSpan.components.seconds * 1_000_000,
            batch.count == Int(positions.count), let encoded: [UInt8] = try? batch.serializedBytes(),
            encoded.count <= limits.maximumBatchBytes
        else { return nil }
        self.init(
            positions: positions, count: batch.count,
            content: .success(Checked(batch: batch, topic: topic, encoded: encoded, span: span)),
            arrival: first.arrival)
    }
}

extension Hedgerow_Type_V1_Column {
    private enum Kind { case double, integer, bool, string, none }

    fileprivate var kind: some Hashable {
        if !doubleValues.isEmpty { return Kind.double }
        if !integerValues.isEmpty { return Kind.integer }
        if !boolValues.isEmpty { return Kind.bool }
        return stringValues.isEmpty ? Kind.none : Kind.string
    }

    fileprivate mutating func append(_ other: Hedgerow_Type_V1_Column) {
        doubleValues.append(contentsOf: other.doubleValues)
        integerValues.append(contentsOf: other.integerValues)
        boolValues.append(contentsOf: other.boolValues)
        stringValues.append(contentsOf: other.stringValues)
    }
}
