extension ReadingBatch {
    /// A batch of some of the rows. Nothing is copied where it is all of them.
    ///
    /// - Parameter rows: indices below ``count``, ascending and without repeats; others are passed over.
    public func selecting(_ rows: [Int]) -> ReadingBatch {
        let chosen =
            Self.isOrdered(rows, below: count) ? rows : Set(rows).filter(times.indices.contains).sorted()
        if chosen.count == count { return self }
        var selected = ReadingBatch(
            thing: thing, topic: topic, times: chosen.map { times[$0] }, isTimeDoubtful: isTimeDoubtful)
        selected.columns = columns.map { $0.selecting(chosen) }
        if !statuses.isEmpty || !traces.isEmpty {
            for (index, row) in chosen.enumerated() {
                if let status = statuses[row] { selected.statuses[index] = status }
                if let trace = traces[row] { selected.traces[index] = trace }
            }
        }
        return selected
    }

    private static func isOrdered(_ rows: [Int], below count: Int) -> Bool {
        var before = -1
        for row in rows {
            if row <= before || row >= count { return false }
            before = row
        }
        return true
    }

    /// One row as an ordinary value; nil where there is no such row.
    public func reading(at row: Int) -> ReadingRow? {
        guard times.indices.contains(row) else { return nil }
        var fields: [ReadingRow.Field] = []
        for column in columns {
            if let value = column.value(at: row) {
                fields.append(ReadingRow.Field(name: column.name, value: value, unit: column.unit))
            }
        }
        return ReadingRow(
            thing: thing, topic: topic, time: times[row], fields: fields, status: statuses[row],
            trace: traces[row], isTimeDoubtful: isTimeDoubtful)
    }
}

extension ReadingColumn {
    /// The value of a row; nil where the row lacks the field or there is no such row.
    public func value(at row: Int) -> ReadingValue? {
        if row < 0 || row >= values.count || isAbsent(at: row) { return nil }
        return switch values {
        case .doubles(let values): .double(values[row])
        case .integers(let values): .int(values[row])
        case .bools(let values): .bool(values[row])
        case .strings(let values): .string(values[row])
        }
    }

    /// Whether a row lacks the field.
    public func isAbsent(at row: Int) -> Bool { RowList.contains(row, in: absentRows) }

    /// The column of some rows, which are in range, ascending and without repeats.
    func selecting(_ rows: [Int]) -> ReadingColumn {
        ReadingColumn(
            name: name, unit: unit, values: values.selecting(rows),
            absentRows: RowList.positions(of: absentRows, in: rows))
    }
}

extension ReadingColumn.Values {
    /// The values of some rows, which are in range.
    func selecting(_ rows: [Int]) -> ReadingColumn.Values {
        if rows.count == count { return self }
        return switch self {
        case .doubles(let values): .doubles(rows.map { values[$0] })
        case .integers(let values): .integers(rows.map { values[$0] })
        case .bools(let values): .bools(rows.map { values[$0] })
        case .strings(let values): .strings(rows.map { values[$0] })
        }
    }
}
