public import HedgerowAPI
public import Messaging
import Shadows
import SwiftProtobuf

/// The rules that a batch has to keep (semantics, section 8, and the comments of `Batch`).
public struct BatchCheck: Sendable {
    private typealias Refusal = IncomingPublication.Refusal
    /// Most bytes of a W3C `traceparent` (55 in version 00, whose successors may be longer).
    private static let maximumTraceparentBytes = 128
    private let limits: MessageLimits

    /// Makes a check with limits.
    public init(limits: MessageLimits = .standard) { self.limits = limits }

    /// Checks a batch and encodes it.
    ///
    /// - Parameters:
    ///   - raw: The batch as it came, which spares encoding it.
    ///   - instance: The component instance whose dead letters the batch holds: for these alone, the
    ///     reserved topic `$dead-letter/INSTANCE` is allowed. Nil for every other batch.
    /// - Throws: A refusal that says which rule it breaks.
    public func check(
        _ batch: Batch, encodedAs raw: [UInt8]? = nil, deadLettersOf instance: String? = nil
    ) throws(IncomingPublication.Refusal) -> IncomingPublication.Checked {
        let topic: Topic
        do {
            topic = try Topic(batch.topic, limits: limits.topics)
        } catch {
            throw Refusal(.topicNotAllowed, error.description)
        }
        if topic.isReserved, topic.description != instance.map({ "$dead-letter/\($0)" }),
            // A request to a shadow; whether it is led there is for whoever routes it.
            ShadowTopic(topic).map({ $0.outcome == nil }) != true
        {
            throw Refusal(
                .topicNotAllowed,
                "topic \"\(topic)\" begins with $, which is reserved; of those, messages may have only the requests to "
                    + "shadows, $aws/things/THING/shadow/get, update and delete")
        }
        let count = batch.count
        guard count > 0 else { throw malformed("it has no messages (time_offsets_us is empty)") }
        guard count <= limits.maximumBatchMessages else {
            throw Refusal(
                .messageTooLarge,
                "batch of \(count) messages; at most \(limits.maximumBatchMessages) are allowed")
        }
        let span = try span(of: batch)
        switch batch.content {
        case .readings(let columns)?: try check(columns, count: count)
        case .payloads(let column)?: try check(column, count: count)
        case nil: throw malformed("it has neither a reading nor a payload")
        }
        if let row = batch.traces.first(where: { Int($0.row) >= count })?.row {
            throw malformed("traces name row \(row) of \(count)")
        }
        guard batch.traces.count <= count,
            batch.traces.allSatisfy({ $0.traceparent.utf8.count <= Self.maximumTraceparentBytes })
        else {
            throw malformed(
                "more than one traceparent a message, or one over \(Self.maximumTraceparentBytes) bytes")
        }
        let encoded: [UInt8]
        do {
            encoded = try raw ?? batch.serializedBytes()
        } catch {
            throw malformed("it cannot be encoded: \(error)")
        }
        let allowed = count == 1 ? limits.maximumMessageBytes : limits.maximumBatchBytes
        guard encoded.count <= allowed else {
            throw Refusal(.messageTooLarge, "\(encoded.count) bytes; at most \(allowed) are allowed")
        }
        return IncomingPublication.Checked(batch: batch, topic: topic, encoded: encoded, span: span)
    }

    private func malformed(_ problem: String) -> IncomingPublication.Refusal {
        Refusal(.malformedMessage, problem)
    }

    private func span(of batch: Batch) throws(IncomingPublication.Refusal) -> ClosedRange<Int64> {
        guard let base = Microseconds.of(batch.baseTime) else {
            throw malformed("base_time lies outside the years 1 to 9999")
        }
        let least = batch.timeOffsetsUs.min() ?? 0
        let most = batch.timeOffsetsUs.max() ?? 0
        let (first, firstOverflow) = base.addingReportingOverflow(least)
        let (last, lastOverflow) = base.addingReportingOverflow(most)
        guard !firstOverflow, !lastOverflow, first >= Microseconds.minimum, last <= Microseconds.maximum
        else {
            throw malformed("a sample time lies outside the years 1 to 9999")
        }
        let allowed = limits.maximumBatchSpan.components.seconds * 1_000_000
        guard last - first <= allowed else {
            throw malformed(
                "its samples span more than \(limits.maximumBatchSpan.components.seconds) seconds")
        }
        return first...last
    }

    private func check(
        _ columns: Hedgerow_Type_V1_ReadingColumns, count: Int
    ) throws(IncomingPublication.Refusal) {
        guard columns.columns.count <= limits.maximumFields else {
            throw malformed("\(columns.columns.count) fields; at most \(limits.maximumFields) are allowed")
        }
        var names: Set<String> = []
        for column in columns.columns {
            let length = column.name.utf8.count
            guard length > 0, length <= limits.maximumFieldNameBytes else {
                throw malformed(
                    "a field name of \(length) bytes; 1 to \(limits.maximumFieldNameBytes) are allowed")
            }
            guard names.insert(column.name).inserted else {
                throw malformed("field \"\(column.name)\" is there twice")
            }
            guard column.unit.utf8.count <= limits.maximumUnitBytes else {
                throw malformed(
                    "the unit of \"\(column.name)\" is longer than \(limits.maximumUnitBytes) bytes")
            }
            try checkValues(of: column, count: count)
        }
        guard columns.statuses.allSatisfy({ Int($0.row) < count }) else {
            throw malformed("statuses name a row beyond \(count)")
        }
        guard columns.statuses.count <= count,
            columns.statuses.allSatisfy({ $0.reason.utf8.count <= limits.maximumStatusReasonBytes })
        else {
            throw malformed(
                "more than one status a message, or a reason over \(limits.maximumStatusReasonBytes) bytes")
        }
        if columns.columns.isEmpty, columns.statuses.isEmpty {
            throw malformed("the reading has no values and no status")
        }
    }

    private func checkValues(
        of column: Hedgerow_Type_V1_Column, count: Int
    ) throws(IncomingPublication.Refusal) {
        let lengths = [
            column.doubleValues.count, column.integerValues.count, column.boolValues.count,
            column.stringValues.count,
        ]
        guard lengths.filter({ $0 > 0 }).count == 1, lengths.contains(count) else {
            throw malformed("field \"\(column.name)\" has not exactly one value of one type for each message")
        }
        if let long = column.stringValues.first(where: { $0.utf8.count > limits.maximumTextBytes }) {
            throw malformed(
                "a text of \(long.utf8.count) bytes in \"\(column.name)\"; at most \(limits.maximumTextBytes)"
            )
        }
        guard column.absentRows.allSatisfy({ Int($0) < count }),
            zip(column.absentRows, column.absentRows.dropFirst()).allSatisfy({ $0 < $1 })
        else {
            throw malformed("absent_rows of \"\(column.name)\" are not ascending indices below \(count)")
        }
    }

    private func check(
        _ column: Hedgerow_Type_V1_PayloadColumn, count: Int
    ) throws(IncomingPublication.Refusal) {
        guard column.data.count == count else {
            throw malformed("\(column.data.count) payloads for \(count) messages")
        }
        guard column.contentType.utf8.count <= limits.maximumContentTypeBytes else {
            throw malformed("the content type is longer than \(limits.maximumContentTypeBytes) bytes")
        }
    }
}
