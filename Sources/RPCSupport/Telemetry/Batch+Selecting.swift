public import HedgerowAPI

extension Hedgerow_Type_V1_Batch {
    /// The batch with only some messages of this one.
    ///
    /// - Parameter rows: Their indices, ascending and below ``count``.
    public func selecting(_ rows: [Int]) -> Hedgerow_Type_V1_Batch {
        guard let first = rows.first, let last = rows.last else {
            return selecting(0..<0)
        }
        if last - first == rows.count - 1 { return selecting(first..<last + 1) }
        let new = Dictionary(uniqueKeysWithValues: rows.enumerated().map { (UInt32($1), UInt32($0)) })
        var part = self
        part.timeOffsetsUs = rows.map { timeOffsetsUs[$0] }
        part.traces = traces.compactMap { trace in
            guard let row = new[trace.row] else { return nil }
            var moved = trace
            moved.row = row
            return moved
        }
        switch content {
        case .readings(let columns)?: part.readings = columns.selecting(rows, new)
        case .payloads(let column)?: part.payloads.data = rows.map { column.data[$0] }
        case nil: break
        }
        return part
    }
}

extension Hedgerow_Type_V1_ReadingColumns {
    fileprivate func selecting(_ rows: [Int], _ new: [UInt32: UInt32]) -> Hedgerow_Type_V1_ReadingColumns {
        var part = self
        part.columns = columns.map { $0.selecting(rows, new) }
        part.statuses = statuses.compactMap { status in
            guard let row = new[status.row] else { return nil }
            var moved = status
            moved.row = row
            return moved
        }
        return part
    }
}

extension Hedgerow_Type_V1_Column {
    fileprivate func selecting(_ rows: [Int], _ new: [UInt32: UInt32]) -> Hedgerow_Type_V1_Column {
        var part = self
        if !doubleValues.isEmpty { part.doubleValues = rows.map { doubleValues[$0] } }
        if !integerValues.isEmpty { part.integerValues = rows.map { integerValues[$0] } }
        if !boolValues.isEmpty { part.boolValues = rows.map { boolValues[$0] } }
        if !stringValues.isEmpty { part.stringValues = rows.map { stringValues[$0] } }
        part.absentRows = absentRows.compactMap { new[$0] }
        return part
    }
}
