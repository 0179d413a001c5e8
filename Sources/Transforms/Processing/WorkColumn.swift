import Expressions

/// A field on its way through the steps. It has an entry for each row of the input; those of rows that are
/// no longer processed mean nothing.
struct WorkColumn {
    enum Values {
        case typed(ReadingColumn.Values)
        /// Of several types, as an expression whose type only run time knows may give them.
        case mixed([ReadingValue])
    }

    let name: String
    var unit: String
    var values: Values
    /// Ascending.
    var absentRows: [Int]

    init(_ column: ReadingColumn, failedRows: [Int]) {
        self.init(
            name: column.name, unit: column.unit, values: .typed(column.values),
            absentRows: RowList.union(column.absentRows, failedRows))
    }

    init(name: String, unit: String, values: Values, absentRows: [Int]) {
        self.name = name
        self.unit = unit
        self.values = values
        self.absentRows = absentRows
    }

    /// The type of a row that has the field.
    func type(at row: Int) -> FieldType {
        switch values {
        case .typed(let values): values.type
        case .mixed(let values): values[row].type
        }
    }

    /// The bytes that a row that has the field takes on the wire, about.
    func bytes(at row: Int) -> Int {
        switch values {
        case .typed(.doubles): 8
        case .typed(.integers): 10
        case .typed(.bools): 1
        case .typed(.strings(let texts)): texts[row].utf8.count + 4
        case .mixed(let values):
            if case .string(let text) = values[row] { text.utf8.count + 4 } else { 10 }
        }
    }

    /// The bytes that all rows take on the wire, about and at most.
    var mostBytes: Int {
        switch values {
        case .typed(.doubles(let values)): 8 * values.count
        case .typed(.integers(let values)): 10 * values.count
        case .typed(.bools(let values)): values.count
        case .typed(.strings(let texts)): texts.reduce(0) { $0 + $1.utf8.count + 4 }
        case .mixed(let values): values.indices.reduce(0) { $0 + bytes(at: $1) }
        }
    }

    /// The column of some rows, in which it has values of one type only. Nil where none of them has it.
    func selecting(_ rows: [Int]) -> ReadingColumn? {
        let absent = RowList.positions(of: absentRows, in: rows)
        if absent.count == rows.count { return nil }
        let selected: ReadingColumn.Values
        switch values {
        case .typed(let values): selected = values.selecting(rows)
        case .mixed(let values):
            guard let first = rows.indices.first(where: { !absent.contains($0) }) else { return nil }
            selected = .unmixed(rows.map { values[$0] }, as: values[rows[first]].type)
        }
        return ReadingColumn(name: name, unit: unit, values: selected, absentRows: absent)
    }
}

extension ReadingColumn.Values {
    /// Values of one type; entries of another type are of rows that lack the field.
    fileprivate static func unmixed(_ values: [ReadingValue], as type: FieldType) -> ReadingColumn.Values {
        switch type {
        case .double: .doubles(values.map { if case .double(let value) = $0 { value } else { 0 } })
        case .int: .integers(values.map { if case .int(let value) = $0 { value } else { 0 } })
        case .bool: .bools(values.map { if case .bool(let value) = $0 { value } else { false } })
        case .string: .strings(values.map { if case .string(let value) = $0 { value } else { "" } })
        }
    }
}
