import FoundationEssentials
import HedgerowAPI
import Messaging
import RPCSupport
import StreamStore
import SwiftProtobuf

/// Messages of a stream as lines of JSON, one object each, with the names that `hedgerow history --output json` uses.
///
/// Numbers that JSON does not have are texts: `NaN`, `Infinity`, `-Infinity`. Members are always in the same order, so
/// that the same message always makes the same line.
struct MessageLine {
    private let batch: Batch
    private let stored: StreamBatch
    private let sequences: [UInt64]
    private let core: String
    /// Columns in the order of their names, each with the rows that lack it.
    private let columns: [(column: Hedgerow_Type_V1_Column, absent: Set<UInt32>)]
    private let statuses: [UInt32: Hedgerow_Type_V1_RowStatus]

    /// Number of messages.
    var count: Int { sequences.count }

    /// Makes lines of a batch.
    ///
    /// - Throws: what the decoder throws where the payload is damaged.
    init(_ stored: StreamBatch, core: String) throws {
        batch = try Batch(serializedBytes: stored.payload)
        self.stored = stored
        self.core = core
        sequences = stored.origin.sequences(count: batch.count)
        if case .readings(let readings)? = batch.content {
            columns = readings.columns.sorted { $0.name < $1.name }.map { ($0, Set($0.absentRows)) }
            statuses = Dictionary(readings.statuses.map { ($0.row, $0) }) { first, _ in first }
        } else {
            (columns, statuses) = ([], [:])
        }
    }

    /// Adds the line of a message, with its end; the row must exist.
    func append(row: Int, to line: inout JSONText) {
        line.open()
        line.name("time")
        if batch.hasBaseTime { line.time(batch.sampleTime(row: row)) } else { line.null() }
        line.member("thing", stored.origin.key.thing)
        line.member("topic", batch.topic)
        switch batch.content {
        case .readings?: appendReading(row: row, to: &line)
        case .payloads(let payloads)?:
            let data = payloads.data[row]
            line.member("contentType", payloads.contentType)
            if let text = Self.text(data, type: payloads.contentType) {
                line.member("text", text)
            } else {
                line.member("base64", data.base64EncodedString())
            }
        case nil: break
        }
        line.name("epoch")
        line.hexadecimal(stored.origin.key.epoch.bytes)
        line.name("sequence")
        line.raw(String(sequences[row]))
        if !stored.origin.key.component.isEmpty {
            let output = DerivedOutput(key: stored.origin.key.component)
            line.member("component", output?.path ?? stored.origin.key.component)
            line.name("outputIndex")
            line.raw(String(output?.index ?? 0))
        }
        if let source = stored.source {
            line.name("source")
            line.open()
            line.member("component", source.component)
            line.member("version", source.version)
            line.name("revision")
            line.raw(String(source.revision))
            line.close()
        }
        line.member("core", core)
        line.name("receiveTime")
        line.time(stored.receiveTime)
        line.name("timeDoubtful")
        line.raw(batch.timeDoubtful ? "true" : "false")
        if stored.isReceiveTimeDoubtful {
            line.name("receiveTimeDoubtful")
            line.raw("true")
        }
        line.close()
        line.end()
    }

    private func appendReading(row: Int, to line: inout JSONText) {
        let number = UInt32(row)
        line.name("values")
        line.open()
        for (column, absent) in columns where !absent.contains(number) {
            line.name(column.name)
            if row < column.doubleValues.count {
                line.number(column.doubleValues[row])
            } else if row < column.integerValues.count {
                line.raw(String(column.integerValues[row]))
            } else if row < column.boolValues.count {
                line.raw(column.boolValues[row] ? "true" : "false")
            } else if row < column.stringValues.count {
                line.text(column.stringValues[row])
            } else {
                line.null()
            }
        }
        line.close()
        line.name("units")
        line.open()
        for (column, absent) in columns where !column.unit.isEmpty && !absent.contains(number) {
            line.member(column.name, column.unit)
        }
        line.close()
        let status = statuses[number]
        switch status?.status {
        case .failed: line.member("status", "failed")
        case .notProcessed: line.member("status", "notProcessed")
        case nil, .unspecified, .ok: line.member("status", "ok")
        case .UNRECOGNIZED: line.member("status", "unknown")
        }
        if let reason = status?.reason, !reason.isEmpty { line.member("statusReason", reason) }
    }

    /// The payload as a text where its type says that it is one, or where it has none and is UTF-8.
    private static func text(_ data: Data, type: String) -> String? {
        let type = type.lowercased()
        let isText = type.isEmpty || type.hasPrefix("text/") || type.contains("json") || type.contains("xml")
        return isText ? String(validating: data, as: UTF8.self) : nil
    }
}

extension StreamEntry.OriginRange {
    /// Origin sequence of each of so many messages.
    func sequences(count: Int) -> [UInt64] {
        if rowOffsets.count == count, count > 0 { return rowOffsets.map { range.first + UInt64($0) } }
        let count = UInt64(count)
        guard count > 0, count <= range.count else { return [] }
        return Array(range.last - count + 1...range.last)
    }
}
