import Foundation
import HedgerowAPI
import SwiftProtobuf

/// Turns messages into publications: neighbours of one topic and one shape share a batch.
struct PublicationPacker: Sendable {
    let limits: PublisherLimits

    /// Packs what a session sends next into one request.
    func request(for outgoing: PublisherBuffer.Outgoing) -> Hedgerow_Telemetry_V1_PublishRequest {
        var request = Hedgerow_Telemetry_V1_PublishRequest()
        if let lost = outgoing.lost {
            var range = Hedgerow_Telemetry_V1_LostRange()
            range.firstSequence = lost.lowerBound
            range.lastSequence = lost.upperBound
            range.reason = .overwritten
            request.lost = [range]
        }
        request.publications =
            pack(outgoing.volatile, firstSequence: 0)
            + pack(outgoing.messages, firstSequence: outgoing.firstSequence)
        return request
    }

    /// Packs consecutive messages. With a first sequence of 0, all of them are QoS 0.
    func pack(_ messages: [OutgoingMessage], firstSequence: UInt64) -> [Hedgerow_Telemetry_V1_Publication] {
        var publications: [Hedgerow_Telemetry_V1_Publication] = []
        var start = 0
        while start < messages.count {
            let end = endOfBatch(messages, from: start)
            var publication = Hedgerow_Telemetry_V1_Publication()
            publication.sequence = firstSequence == 0 ? 0 : firstSequence + UInt64(start)
            if case .failedReading(let reason) = messages[start].body {
                publication.message = failed(messages[start], reason: reason)
            } else {
                publication.batch = batch(messages[start..<end])
            }
            publications.append(publication)
            start = end
        }
        return publications
    }

    private func endOfBatch(_ messages: [OutgoingMessage], from start: Int) -> Int {
        let first = messages[start]
        var bytes = first.cost
        var earliest = first.timeMicroseconds
        var latest = earliest
        var end = start + 1
        while end < messages.count, end - start < limits.batchMessages {
            let message = messages[end]
            earliest = min(earliest, message.timeMicroseconds)
            latest = max(latest, message.timeMicroseconds)
            bytes += message.cost
            guard bytes <= limits.batchBytes, latest - earliest <= PublisherLimits.batchSpan,
                first.fits(with: message)
            else { break }
            end += 1
        }
        return end
    }

    private func failed(_ message: OutgoingMessage, reason: String) -> Hedgerow_Type_V1_Message {
        var wire = Hedgerow_Type_V1_Message()
        wire.topic = message.topic
        wire.time = Self.timestamp(message.timeMicroseconds)
        wire.reading.status = .failed
        wire.reading.statusReason = reason
        wire.timeDoubtful = message.timeDoubtful
        return wire
    }

    private func batch(_ messages: ArraySlice<OutgoingMessage>) -> Hedgerow_Type_V1_Batch {
        var batch = Hedgerow_Type_V1_Batch()
        guard let first = messages.first else { return batch }
        batch.topic = first.topic
        batch.baseTime = Self.timestamp(first.timeMicroseconds)
        batch.timeOffsetsUs = messages.map { $0.timeMicroseconds - first.timeMicroseconds }
        batch.timeDoubtful = first.timeDoubtful
        for (row, message) in messages.enumerated() where !message.traceparent.isEmpty {
            var trace = Hedgerow_Type_V1_RowTrace()
            trace.row = UInt32(row)
            trace.traceparent = message.traceparent
            batch.traces.append(trace)
        }
        switch first.body {
        case .reading(let shape, _): batch.readings = columns(messages, shape: shape)
        case .payload(let contentType, _):
            batch.payloads.contentType = contentType
            batch.payloads.data = messages.map { message in
                guard case .payload(_, let bytes) = message.body else { return Data() }
                return Data(bytes)
            }
        case .failedReading: break
        }
        return batch
    }

    private func columns(
        _ messages: ArraySlice<OutgoingMessage>, shape: ReadingShape
    ) -> Hedgerow_Type_V1_ReadingColumns {
        var columns = (0..<shape.names.count).map { index in
            var column = Hedgerow_Type_V1_Column()
            column.name = shape.names[index]
            column.unit = shape.units[index]
            return column
        }
        for message in messages {
            guard case .reading(_, let values) = message.body else { continue }
            for (index, value) in values.enumerated() {
                switch value {
                case .double(let number): columns[index].doubleValues.append(number)
                case .integer(let number): columns[index].integerValues.append(number)
                case .bool(let truth): columns[index].boolValues.append(truth)
                case .string(let text): columns[index].stringValues.append(text)
                }
            }
        }
        var result = Hedgerow_Type_V1_ReadingColumns()
        result.columns = columns
        return result
    }

    static func timestamp(_ microseconds: Int64) -> Google_Protobuf_Timestamp {
        var seconds = microseconds / 1_000_000
        var rest = microseconds % 1_000_000
        if rest < 0 {
            seconds -= 1
            rest += 1_000_000
        }
        return Google_Protobuf_Timestamp(seconds: seconds, nanos: Int32(rest) * 1_000)
    }
}
