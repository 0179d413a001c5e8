import Expressions

/// One batch on its way through the steps of a transform.
///
/// Each step works on all rows that are left before the next begins. Rows never look at each other, so that is
/// the same as taking them one by one. Columns keep an entry for every row of the input until they are
/// published; what no step changes is shared with the input.
struct TransformRun {
    var result = TransformResult()
    let batch: ReadingBatch
    private let transform: Transform
    private let settings: TransformSettings
    private let host: HostAdapter

    /// The fields of the readings now, in their order.
    var columns: [WorkColumn] = []
    private var positions: [String: Int] = [:]
    /// What `let` steps bound.
    private var bindings: [String: Evaluated] = [:]
    /// Whether expressions see nothing that `let` has named: those about failed samples.
    var passesBindingsBy = false
    /// What `shadow` steps do, in their order.
    var changes: [ShadowChange] = []
    /// Rows that go on, ascending.
    var rows: [Int] = []
    /// Rows of failed samples, ascending: they pass the steps by and go out at each `publish`.
    var failedSamples: [Int] = []
    var hasPublished: [Bool]
    /// Bytes that went out so far, about.
    var publishedBytes = 0
    private var madeTextBytes = 0
    /// What the expressions may still cost together, in all rows.
    private var workLeft = TransformLimits.batchCost

    init(
        _ batch: ReadingBatch, transform: Transform, settings: TransformSettings, host: any TransformHost
    ) {
        self.batch = batch
        self.transform = transform
        self.settings = settings
        self.host = HostAdapter(host, thing: batch.thing)
        self.hasPublished = Array(repeating: false, count: batch.count)
    }

    mutating func run() {
        rows = Array(batch.times.indices)
        if let problem = Self.problem(with: batch) {
            fail(rows, "the batch is inconsistent: \(problem)")
        } else {
            failedSamples = batch.statuses.filter { $0.value.kind == .failed }.keys.sorted()
            rows = RowList.subtracting(rows, failedSamples)
            columns = batch.columns.map { WorkColumn($0, failedRows: failedSamples) }
            index()
            checkInput()
            for step in transform.steps { perform(step) }
        }
        finishShadows()
        result.failures.sort { $0.row < $1.row }
        var hasFailed = Array(repeating: false, count: batch.count)
        for failure in result.failures { hasFailed[failure.row] = true }
        result.filtered = hasFailed.indices.count(where: { !hasFailed[$0] && !hasPublished[$0] })
        result.outputs.sort { ($0.index, $0.rows.first ?? 0) < ($1.index, $1.rows.first ?? 0) }
    }

    private static func problem(with batch: ReadingBatch) -> String? {
        do throws(InvalidReadingBatch) {
            try batch.validate()
            return nil
        } catch {
            return error.description
        }
    }

    /// A few names are found sooner one by one than through a dictionary, which each batch would have to make.
    private static let fewColumns = 16

    private mutating func index() {
        if columns.count <= Self.fewColumns { return }
        positions = Dictionary(
            columns.enumerated().map { ($0.element.name, $0.offset) }, uniquingKeysWith: { first, _ in first }
        )
    }

    private func position(of field: String) -> Int? {
        columns.count <= Self.fewColumns ? columns.firstIndex { $0.name == field } : positions[field]
    }

    // MARK: Failures

    /// Fails rows that go on (or failed samples), all for one reason.
    mutating func fail(_ failed: [Int], _ cause: String) {
        if failed.isEmpty { return }
        let cause = Self.cleaned(cause)
        for row in failed { result.failures.append(TransformResult.Failure(row: row, cause: cause)) }
        rows = RowList.subtracting(rows, failed)
        failedSamples = RowList.subtracting(failedSamples, failed)
    }

    mutating func fail(_ faults: [(row: Int, reason: String)], label: String) {
        if faults.isEmpty { return }
        for fault in faults {
            result.failures.append(
                TransformResult.Failure(row: fault.row, cause: Self.cleaned("\(label): \(fault.reason)")))
        }
        let failed = faults.map(\.row)
        rows = RowList.subtracting(rows, failed)
        failedSamples = RowList.subtracting(failedSamples, failed)
    }

    /// One line of at most ``TransformLimits/causeBytes``.
    private static func cleaned(_ cause: String) -> String {
        let isOneLine = !cause.contains(where: \.isNewline)
        let line = isOneLine ? cause : String(cause.map { $0.isNewline ? " " : $0 })
        if line.utf8.count <= TransformLimits.causeBytes { return line }
        var cut = ""
        for scalar in line.unicodeScalars {
            if cut.utf8.count + UTF8.width(scalar) > TransformLimits.causeBytes - 3 { break }
            cut.unicodeScalars.append(scalar)
        }
        return cut + "…"
    }

    /// A batch whose columns are not what `input` declares fails in those rows that have the value.
    private mutating func checkInput() {
        for field in transform.definition.input ?? [] {
            guard let position = position(of: field.name) else { continue }
            let column = columns[position]
            guard case .typed(let values) = column.values else { continue }
            if values.type != field.type {
                fail(
                    RowList.subtracting(rows, column.absentRows),
                    "input \(field.name): the value is of type \(values.type.rawValue), "
                        + "declared is \(field.type.rawValue)")
            } else if let unit = field.unit, unit != column.unit {
                let found = column.unit.isEmpty ? "there is no unit" : "the unit is \(column.unit)"
                fail(
                    RowList.subtracting(rows, column.absentRows),
                    "input \(field.name): \(found), declared is \(unit.isEmpty ? "none" : unit)")
            }
        }
    }

    // MARK: Steps

    private mutating func perform(_ step: CompiledStep) {
        switch step {
        case .filter(let condition): filter(condition)
        case .bind(let entries):
            // All entries see the values from before the step.
            var bound: [(String, Evaluated)] = []
            for entry in entries { bound.append((entry.name, evaluate(entry.value, keeping: true))) }
            for (name, values) in bound { bindings[name] = values }
        case .set(let assignments): set(assignments)
        case .keep(let names):
            columns.removeAll { !names.contains($0.name) }
            index()
        case .drop(let names):
            columns.removeAll { names.contains($0.name) }
            index()
        case .shadow(let step): change(step)
        case .publish(let publish): self.publish(publish)
        }
    }

    private mutating func filter(_ condition: LabelledExpression) {
        switch evaluate(condition) {
        case .constant(.bool(let isTrue)):
            if !isTrue { rows = [] }
        case .bools(let values): rows = rows.filter { values[$0] }
        case .constant(let value):
            fail(rows, "\(condition.label): the condition is of type \(value.typeName), not bool")
        case .values(let values):
            var passed: [Int] = []
            var faults: [(row: Int, reason: String)] = []
            for row in rows {
                if case .bool(let isTrue) = values[row] {
                    if isTrue { passed.append(row) }
                } else {
                    faults.append((row, "the condition is of type \(values[row].typeName), not bool"))
                }
            }
            rows = passed
            fail(faults, label: condition.label)
        case .doubles, .integers:
            // The check lets bool and dyn pass only.
            fail(rows, "\(condition.label): the condition is a number, not true or false")
        }
    }

    private mutating func set(_ assignments: [CompiledAssignment]) {
        var made: [(assignment: CompiledAssignment, values: WorkColumn.Values?, nulls: [Int])] = []
        for assignment in assignments {
            let evaluated = evaluate(assignment.value, keeping: true)
            let (values, nulls) = fieldValues(evaluated, label: assignment.value.label)
            made.append((assignment, values, nulls))
        }
        for (assignment, values, nulls) in made {
            let position = position(of: assignment.field)
            guard let values else {
                // Null in every row: the field is gone.
                if let position {
                    columns.remove(at: position)
                    index()
                }
                continue
            }
            let column = WorkColumn(
                name: assignment.field,
                unit: assignment.unit ?? position.map { columns[$0].unit } ?? "",
                values: values, absentRows: RowList.union(nulls, failedSamples))
            if let position {
                columns[position] = column
            } else {
                columns.append(column)
                if columns.count > Self.fewColumns + 1 {
                    positions[assignment.field] = columns.count - 1
                } else {
                    index()
                }
            }
        }
    }

    /// Values as a field may have them; rows whose value none may have fail.
    ///
    /// - Returns: the values, nil where no row has one; and the rows that have none.
    private mutating func fieldValues(
        _ evaluated: Evaluated, label: String
    ) -> (values: WorkColumn.Values?, nulls: [Int]) {
        switch evaluated {
        case .doubles(let values): return (.typed(.doubles(values)), [])
        case .integers(let values): return (.typed(.integers(values)), [])
        case .bools(let values): return (.typed(.bools(values)), [])
        case .constant(let value):
            do throws(RowFault) {
                let value = try value.fieldValue()
                return (value.map { .typed(ColumnBuilder.constant($0, count: batch.count)) }, [])
            } catch {
                fail(rows, "\(label): \(error.reason)")
                return (nil, [])
            }
        case .values(let values):
            var builder = ColumnBuilder(count: batch.count)
            var nulls: [Int] = []
            var faults: [(row: Int, reason: String)] = []
            for row in rows {
                do throws(RowFault) {
                    if let value = try values[row].fieldValue() {
                        builder.set(value, at: row)
                    } else {
                        nulls.append(row)
                    }
                } catch {
                    faults.append((row, error.reason))
                }
            }
            fail(faults, label: label)
            return (builder.values, nulls)
        }
    }

    // MARK: Expressions

    /// Evaluates an expression for every row that goes on; rows on which it fails go on no more.
    ///
    /// - Parameter keeping: whether the results are kept, so that the bytes of their texts count.
    mutating func evaluate(_ labelled: LabelledExpression, keeping: Bool = false) -> Evaluated {
        if rows.isEmpty { return .constant(.null) }
        let expression = labelled.expression
        let host = host
        var frame = Frame(for: expression)
        frame.budget = workLeft
        defer { workLeft = frame.budget }
        let binders = bind(expression, into: &frame)
        if binders.isEmpty {
            // Nothing in it differs from row to row.
            do throws(EvaluationError) {
                let value = try expression.evaluate(&frame, host: host)
                if keeping { madeTextBytes += value.textBytes * rows.count }
                if madeTextBytes > TransformLimits.madeTextBytes { throw .tooMuchText }
                return .constant(value)
            } catch {
                fail(rows, "\(labelled.label): \(error.rowReason)")
                return .constant(.null)
            }
        }
        var faults: [(row: Int, reason: String)] = []
        let evaluated: Evaluated
        switch expression.type {
        case .double:
            evaluated = .doubles(
                eachRow(binders, &frame, filler: 0, faults: &faults) { frame throws(EvaluationError) in
                    try expression.evaluateDouble(&frame, host: host)
                })
        case .int:
            evaluated = .integers(
                eachRow(binders, &frame, filler: 0, faults: &faults) { frame throws(EvaluationError) in
                    try expression.evaluateInt(&frame, host: host)
                })
        case .bool:
            evaluated = .bools(
                eachRow(binders, &frame, filler: false, faults: &faults) { frame throws(EvaluationError) in
                    try expression.evaluateBool(&frame, host: host)
                })
        default:
            var bytes = madeTextBytes
            evaluated = .values(
                eachRow(binders, &frame, filler: .null, faults: &faults) { frame throws(EvaluationError) in
                    let value = try expression.evaluate(&frame, host: host)
                    if keeping {
                        let weight = value.textBytes
                        if bytes + weight > TransformLimits.madeTextBytes { throw .tooMuchText }
                        bytes += weight
                    }
                    return value
                })
            madeTextBytes = bytes
        }
        fail(faults, label: labelled.label)
        return evaluated
    }

    /// The value of each row that goes on, and a filler for the others.
    private func eachRow<Element>(
        _ binders: [SlotBinder], _ frame: inout Frame, filler: Element,
        faults: inout [(row: Int, reason: String)],
        _ value: (inout Frame) throws(EvaluationError) -> Element
    ) -> [Element] {
        var values = Array(repeating: filler, count: batch.count)
        let plain = binders.compactMap(\.plainDoubles)
        if plain.count == binders.count {
            // The common case: real numbers, none of them missing.
            for row in rows {
                for source in plain { frame.set(double: source.values[row], at: source.slot) }
                do throws(EvaluationError) {
                    values[row] = try value(&frame)
                } catch {
                    faults.append((row, error.rowReason))
                }
            }
            return values
        }
        var binders = binders
        for row in rows {
            for index in binders.indices { binders[index].bind(row, into: &frame) }
            do throws(EvaluationError) {
                values[row] = try value(&frame)
            } catch {
                faults.append((row, error.rowReason))
            }
        }
        return values
    }

    /// Puts into the frame what is the same for every row, and returns the binders for the rest.
    private func bind(_ expression: CompiledExpression, into frame: inout Frame) -> [SlotBinder] {
        var binders: [SlotBinder] = []
        for (slot, description) in expression.slots.enumerated() {
            switch description.source {
            case .field(TransformSchema.record, let name):
                guard let position = position(of: name) else { continue }
                let column = columns[position]
                let source: SlotBinder.Source =
                    switch column.values {
                    case .typed(.doubles(let values)): .doubles(values)
                    case .typed(.integers(let values)): .integers(values)
                    case .typed(.bools(let values)): .bools(values)
                    case .typed(.strings(let values)): .strings(values)
                    case .mixed(let values): .mixed(values)
                    }
                binders.append(SlotBinder(slot: slot, source: source, absentRows: column.absentRows))
            case .field:
                if let value = settings[description.source] { frame.set(value, at: slot) }
            case .variable("topic"): frame.set(string: batch.topic, at: slot)
            case .variable("thing"): frame.set(string: batch.thing, at: slot)
            case .variable("time"): binders.append(SlotBinder(slot: slot, source: .times(batch.times)))
            case .variable(let name):
                switch passesBindingsBy ? nil : bindings[name] {
                case .constant(let value)?: frame.set(value, at: slot)
                case .doubles(let values)?: binders.append(SlotBinder(slot: slot, source: .doubles(values)))
                case .integers(let values)?: binders.append(SlotBinder(slot: slot, source: .integers(values)))
                case .bools(let values)?: binders.append(SlotBinder(slot: slot, source: .bools(values)))
                case .values(let values)?: binders.append(SlotBinder(slot: slot, source: .values(values)))
                case nil: continue
                }
            }
        }
        return binders
    }
}
