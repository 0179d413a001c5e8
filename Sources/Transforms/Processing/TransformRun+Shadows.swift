import Expressions

extension TransformRun {
    /// Changes a shadow of the batch's thing by the rows that go on. A failed sample has nothing to say.
    mutating func change(_ step: CompiledShadow) {
        var evaluated: [(place: ShadowPlace, values: Evaluated)] = []
        for entry in step.entries {
            let values = evaluate(entry.value, keeping: true)
            evaluated.append((entry.place, shadowValues(values, label: entry.value.label)))
        }
        var columns: [ShadowColumn] = []
        if step.reportsReading {
            for column in self.columns {
                checkFinite(column, label: step.label)
                columns.append(
                    ShadowColumn(
                        place: ShadowPlace(section: .reported, key: column.name), source: .field(column)))
            }
        }
        columns += evaluated.map { ShadowColumn(place: $0.place, source: .evaluated($0.values)) }
        checkSize(columns, label: step.label)
        // A reading without fields reports nothing.
        let isSilent = step.entries.isEmpty
        let telling = isSilent ? rows.filter { row in columns.contains { $0.value(at: row) != nil } } : rows
        if telling.isEmpty { return }
        for row in telling { hasPublished[row] = true }
        changes.append(ShadowChange(name: step.name, columns: columns, rows: telling))
    }

    /// What comes of all `shadow` steps.
    mutating func finishShadows() {
        var names: [String] = []
        for change in changes where !names.contains(change.name) { names.append(change.name) }
        for name in names {
            var merger = ShadowMerger(changes.filter { $0.name == name }, name: name)
            merger.run()
            result.shadows += merger.updates
        }
    }

    /// Values as a shadow may have them; rows whose value none may have fail.
    private mutating func shadowValues(_ evaluated: Evaluated, label: String) -> Evaluated {
        switch evaluated {
        case .integers, .bools: return evaluated
        case .doubles(let values):
            fail(rows.filter { !values[$0].isFinite }.map { ($0, Value.notFinite.reason) }, label: label)
            return evaluated
        case .constant(let value):
            do throws(RowFault) {
                return .constant(try value.shadowValue())
            } catch {
                fail(rows, "\(label): \(error.reason)")
                return .constant(.null)
            }
        case .values(var values):
            var faults: [(row: Int, reason: String)] = []
            for row in rows {
                do throws(RowFault) {
                    values[row] = try values[row].shadowValue()
                } catch {
                    faults.append((row, error.reason))
                }
            }
            fail(faults, label: label)
            return .values(values)
        }
    }

    private mutating func checkFinite(_ column: WorkColumn, label: String) {
        func isFinite(_ row: Int) -> Bool {
            switch column.values {
            case .typed(.doubles(let values)): return values[row].isFinite
            case .mixed(let values):
                if case .double(let value) = values[row] { return value.isFinite }
                return true
            case .typed: return true
            }
        }
        let faults = rows.filter { !isFinite($0) && !column.isAbsent(at: $0) }
        fail(faults.map { ($0, Value.notFinite.reason) }, label: "\(label) \(column.name)")
    }

    /// Fails rows that change more than a shadow can ever have.
    private mutating func checkSize(_ columns: [ShadowColumn], label: String) {
        let keys = columns.reduce(0) { $0 + $1.place.key.utf8.count }
        let isSmall = columns.allSatisfy { column in
            switch column.source {
            case .evaluated(.doubles), .evaluated(.integers), .evaluated(.bools): true
            case .evaluated(.constant(let value)): value.shadowBytes <= 64
            case .evaluated(.values): false
            case .field(let column): if case .typed(.strings) = column.values { false } else { true }
            }
        }
        if isSmall, keys + 64 * columns.count <= TransformLimits.shadowBytes { return }
        let faults = rows.filter { row in
            let bytes = columns.reduce(0) { sum, column in
                sum + (column.value(at: row).map { column.place.key.utf8.count + $0.shadowBytes } ?? 0)
            }
            return bytes > TransformLimits.shadowBytes
        }
        fail(faults.map { ($0, Value.tooLarge.reason) }, label: label)
    }
}
