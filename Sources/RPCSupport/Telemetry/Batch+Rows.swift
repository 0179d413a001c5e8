public import HedgerowAPI
import SwiftProtobuf

extension Hedgerow_Type_V1_Batch {
    /// Number of messages.
    public var count: Int { timeOffsetsUs.count }

    /// Sample time of a message in microseconds since 1970; the row must exist.
    public func sampleTime(row: Int) -> Int64 {
        (Microseconds.of(baseTime) ?? 0) &+ timeOffsetsUs[row]
    }

    /// The earliest and the latest sample time; nil for an empty batch.
    public var sampleSpan: (first: Int64, last: Int64)? {
        guard let least = timeOffsetsUs.min(), let most = timeOffsetsUs.max() else { return nil }
        let base = Microseconds.of(baseTime) ?? 0
        return (base &+ least, base &+ most)
    }

    /// Makes a batch of one from a message in its plain form.
    public init(_ message: PlainMessage) {
        self.init()
        topic = message.topic
        baseTime = message.time
        timeOffsetsUs = [0]
        timeDoubtful = message.timeDoubtful
        switch message.content {
        case .reading(let reading)?:
            readings = Hedgerow_Type_V1_ReadingColumns(reading)
        case .payload(let payload)?:
            payloads.contentType = payload.contentType
            payloads.data = [payload.data]
        case nil:
            break
        }
        if !message.traceparent.isEmpty {
            traces = [.with { $0.traceparent = message.traceparent }]
        }
    }

    /// One message of the batch in its plain form; the row must exist.
    public func message(row: Int) -> PlainMessage {
        var message = PlainMessage()
        message.topic = topic
        message.time = Microseconds.timestamp(sampleTime(row: row))
        message.timeDoubtful = timeDoubtful
        switch content {
        case .readings(let columns)?: message.reading = columns.reading(row: row)
        case .payloads(let column)?:
            message.payload.contentType = column.contentType
            message.payload.data = column.data[row]
        case nil: break
        }
        message.traceparent = traces.first { $0.row == UInt32(row) }?.traceparent ?? ""
        return message
    }

    /// The batch with only some consecutive messages of this one.
    public func selecting(_ rows: Range<Int>) -> Hedgerow_Type_V1_Batch {
        if rows == 0..<count { return self }
        var part = self
        part.timeOffsetsUs = Array(timeOffsetsUs[rows])
        part.traces = traces.compactMap { trace in
            rows.shifting(trace.row).map { row in
                .with {
                    $0.row = row
                    $0.traceparent = trace.traceparent
                }
            }
        }
        switch content {
        case .readings(let columns)?: part.readings = columns.selecting(rows)
        case .payloads(let column)?: part.payloads.data = Array(column.data[rows])
        case nil: break
        }
        return part
    }
}

extension Hedgerow_Type_V1_ReadingColumns {
    init(_ reading: Hedgerow_Type_V1_Reading) {
        self.init()
        // Sorted, so that the same reading always makes the same bytes.
        columns = reading.values.sorted { $0.key < $1.key }.map { name, value in
            var column = Hedgerow_Type_V1_Column()
            column.name = name
            column.unit = reading.units[name] ?? ""
            switch value.kind {
            case .doubleValue(let number)?: column.doubleValues = [number]
            case .integerValue(let number)?: column.integerValues = [number]
            case .boolValue(let truth)?: column.boolValues = [truth]
            case .stringValue(let text)?: column.stringValues = [text]
            case nil: break
            }
            return column
        }
        let isPlain = reading.status == .unspecified || reading.status == .ok
        if !isPlain || !reading.statusReason.isEmpty {
            statuses = [
                .with {
                    $0.status = reading.status
                    $0.reason = reading.statusReason
                }
            ]
        }
    }

    func reading(row: Int) -> Hedgerow_Type_V1_Reading {
        var reading = Hedgerow_Type_V1_Reading()
        for column in columns where !column.absentRows.contains(UInt32(row)) {
            guard let value = column.value(row: row) else { continue }
            reading.values[column.name] = value
            if !column.unit.isEmpty { reading.units[column.name] = column.unit }
        }
        if let status = statuses.first(where: { $0.row == UInt32(row) }) {
            reading.status = status.status
            reading.statusReason = status.reason
        }
        return reading
    }

    func selecting(_ rows: Range<Int>) -> Hedgerow_Type_V1_ReadingColumns {
        var part = self
        part.columns = columns.map { $0.selecting(rows) }
        part.statuses = statuses.compactMap { status in
            rows.shifting(status.row).map { row in
                .with {
                    $0.row = row
                    $0.status = status.status
                    $0.reason = status.reason
                }
            }
        }
        return part
    }
}

extension Hedgerow_Type_V1_Column {
    /// The value of a row, nil where the row does not exist.
    func value(row: Int) -> Hedgerow_Type_V1_Value? {
        var value = Hedgerow_Type_V1_Value()
        if row < doubleValues.count {
            value.doubleValue = doubleValues[row]
        } else if row < integerValues.count {
            value.integerValue = integerValues[row]
        } else if row < boolValues.count {
            value.boolValue = boolValues[row]
        } else if row < stringValues.count {
            value.stringValue = stringValues[row]
        } else {
            return nil
        }
        return value
    }

    func selecting(_ rows: Range<Int>) -> Hedgerow_Type_V1_Column {
        var part = self
        if !doubleValues.isEmpty { part.doubleValues = Array(doubleValues[rows]) }
        if !integerValues.isEmpty { part.integerValues = Array(integerValues[rows]) }
        if !boolValues.isEmpty { part.boolValues = Array(boolValues[rows]) }
        if !stringValues.isEmpty { part.stringValues = Array(stringValues[rows]) }
        part.absentRows = absentRows.compactMap(rows.shifting)
        return part
    }
}

extension Range<Int> {
    /// The index of a row within the range, nil outside.
    fileprivate func shifting(_ row: UInt32) -> UInt32? {
        contains(Int(row)) ? UInt32(Int(row) - lowerBound) : nil
    }
}
