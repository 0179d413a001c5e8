import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import Transforms

extension ReadingBatch {
    /// The readings of a batch, as transforms take them; nil where it holds payloads. Columns are shared, not copied.
    init?(_ batch: Batch, thing: String) {
        guard case .readings(let readings)? = batch.content else { return nil }
        let base = Microseconds.of(batch.baseTime) ?? 0
        self.init(
            thing: thing, topic: batch.topic, times: batch.timeOffsetsUs.map { base &+ $0 },
            columns: readings.columns.map(ReadingColumn.init), isTimeDoubtful: batch.timeDoubtful)
        for status in readings.statuses {
            switch status.status {
            case .unspecified, .ok: continue
            case .notProcessed: statuses[Int(status.row)] = RowStatus(.notProcessed, reason: status.reason)
            case .failed, .UNRECOGNIZED: statuses[Int(status.row)] = RowStatus(.failed, reason: status.reason)
            }
        }
        for trace in batch.traces { traces[Int(trace.row)] = trace.traceparent }
    }
}

extension ReadingColumn {
    fileprivate init(_ column: Hedgerow_Type_V1_Column) {
        let values: Values =
            if !column.integerValues.isEmpty {
                .integers(column.integerValues)
            } else if !column.boolValues.isEmpty {
                .bools(column.boolValues)
            } else if !column.stringValues.isEmpty {
                .strings(column.stringValues)
            } else {
                .doubles(column.doubleValues)
            }
        self.init(
            name: column.name, unit: column.unit, values: values,
            absentRows: column.absentRows.map { Int($0) })
    }
}

extension Hedgerow_Type_V1_Batch {
    /// The batch of readings that a transform made.
    init(_ batch: ReadingBatch) {
        self.init()
        topic = batch.topic
        let base = batch.times.first ?? 0
        baseTime = Microseconds.timestamp(base)
        timeOffsetsUs = batch.times.map { $0 &- base }
        timeDoubtful = batch.isTimeDoubtful
        readings.columns = batch.columns.map(Hedgerow_Type_V1_Column.init)
        readings.statuses = batch.statuses.sorted { $0.key < $1.key }.map { row, status in
            .with {
                $0.row = UInt32(row)
                $0.status = status.kind == .failed ? .failed : .notProcessed
                $0.reason = status.reason
            }
        }
        traces = batch.traces.sorted { $0.key < $1.key }.map { row, traceparent in
            .with {
                $0.row = UInt32(row)
                $0.traceparent = traceparent
            }
        }
    }
}

extension Hedgerow_Type_V1_Column {
    fileprivate init(_ column: ReadingColumn) {
        self.init()
        name = column.name
        unit = column.unit
        switch column.values {
        case .doubles(let values): doubleValues = values
        case .integers(let values): integerValues = values
        case .bools(let values): boolValues = values
        case .strings(let values): stringValues = values
        }
        absentRows = column.absentRows.map { UInt32($0) }
    }
}
