import Expressions

/// What a `shadow` step changes at one place, in each row.
struct ShadowColumn {
    enum Source {
        case evaluated(Evaluated)
        case field(WorkColumn)
    }

    let place: ShadowPlace
    let source: Source

    /// The value of a row; nil where the row says nothing.
    func value(at row: Int) -> Value? {
        switch source {
        case .evaluated(.constant(let value)): value
        case .evaluated(.doubles(let values)): .double(values[row])
        case .evaluated(.integers(let values)): .int(values[row])
        case .evaluated(.bools(let values)): .bool(values[row])
        case .evaluated(.values(let values)): values[row]
        case .field(let column): column.isAbsent(at: row) ? nil : column.value(at: row)
        }
    }

    /// The last of some rows, ascending, that says something.
    func lastRow(of rows: [Int]) -> Int? {
        guard case .field(let column) = source else { return rows.last }
        return rows.last { !column.isAbsent(at: $0) }
    }

    /// Whether the value of a row may be a map, which is merged into the one that is there.
    func hasMap(in rows: [Int]) -> Bool {
        switch source {
        case .evaluated(.constant(.map)): true
        case .evaluated(.values(let values)):
            rows.contains { if case .map = values[$0] { true } else { false } }
        case .evaluated, .field: false
        }
    }
}

extension WorkColumn {
    /// The value of a row that has the field.
    fileprivate func value(at row: Int) -> Value {
        switch values {
        case .typed(.doubles(let values)): .double(values[row])
        case .typed(.integers(let values)): .int(values[row])
        case .typed(.bools(let values)): .bool(values[row])
        case .typed(.strings(let values)): .string(values[row])
        case .mixed(let values):
            switch values[row] {
            case .double(let value): .double(value)
            case .int(let value): .int(value)
            case .bool(let value): .bool(value)
            case .string(let value): .string(value)
            }
        }
    }
}
