import Transforms

extension ReadingBatch {
    /// Readings of the thing `t` on the topic `in`, one a second.
    static func of(_ columns: ReadingColumn...) -> ReadingBatch {
        let count = columns.first?.values.count ?? 0
        return ReadingBatch(
            thing: "t", topic: "in", times: (0..<Int64(count)).map { 1_780_000_000_000_000 + $0 * 1_000_000 },
            columns: columns)
    }

    /// Each row on its own.
    var readings: [ReadingRow] { times.indices.compactMap { reading(at: $0) } }
}

extension ReadingColumn {
    static func doubles(
        _ name: String, _ values: [Double], unit: String = "", absent: [Int] = []
    ) -> ReadingColumn {
        ReadingColumn(name: name, unit: unit, values: .doubles(values), absentRows: absent)
    }

    static func integers(_ name: String, _ values: [Int64], absent: [Int] = []) -> ReadingColumn {
        ReadingColumn(name: name, values: .integers(values), absentRows: absent)
    }

    static func bools(_ name: String, _ values: [Bool]) -> ReadingColumn {
        ReadingColumn(name: name, values: .bools(values))
    }

    static func strings(_ name: String, _ values: [String], absent: [Int] = []) -> ReadingColumn {
        ReadingColumn(name: name, values: .strings(values), absentRows: absent)
    }
}

extension Transform {
    /// Compiles steps.
    static func of(
        _ steps: TransformStep..., input: [InputField]? = nil, access: HostAccess = [],
        shadows: ShadowAccess? = nil
    ) throws(TransformErrors) -> Transform {
        try Transform(TransformDefinition(input: input, steps: steps), access: access, shadows: shadows)
    }

    /// What is wrong with steps.
    static func problems(
        _ steps: TransformStep..., input: [InputField]? = nil, access: HostAccess = [],
        shadows: ShadowAccess? = nil
    ) -> [String] {
        do throws(TransformErrors) {
            _ = try Transform(
                TransformDefinition(input: input, steps: steps), access: access, shadows: shadows)
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }
}

extension TransformStep {
    /// A `set` step of expressions.
    static func set(_ values: KeyValuePairs<String, ExpressionText>) -> TransformStep {
        .set(values.map { FieldAssignment(field: $0.key, value: $0.value) })
    }

    /// A `let` step.
    static func bind(_ values: KeyValuePairs<String, ExpressionText>) -> TransformStep {
        .bind(values.map { LetBinding(name: $0.key, value: $0.value) })
    }

    /// A `shadow` step that reports.
    static func report(_ values: KeyValuePairs<String, ExpressionText>, name: String = "") -> TransformStep {
        .shadow(
            ShadowStep(
                name: name, report: .values(values.map { ShadowAssignment(key: $0.key, value: $0.value) })))
    }

    /// A `shadow` step that desires.
    static func desire(_ values: KeyValuePairs<String, ExpressionText>, name: String = "") -> TransformStep {
        .shadow(
            ShadowStep(name: name, desire: values.map { ShadowAssignment(key: $0.key, value: $0.value) }))
    }

    /// A `publish` step of a literal topic.
    static func publish(_ topic: String) -> TransformStep { .publish(.literal(topic)) }
}

/// What became of the rows of a batch, without regard to how the output was cut into batches.
struct Outcome: Hashable {
    struct Sent: Hashable {
        let index: Int
        let row: Int
        /// The reading as text: NaN is not equal to itself.
        let reading: String
    }

    var sent: Set<Sent> = []
    var failures: [Int: String] = [:]
    var filtered = 0

    init() {}

    init(_ result: TransformResult, offset: Int = 0) {
        for output in result.outputs {
            for (position, row) in output.rows.enumerated() {
                if let reading = output.batch.reading(at: position) {
                    sent.insert(Sent(index: output.index, row: row + offset, reading: "\(reading)"))
                }
            }
        }
        for failure in result.failures { failures[failure.row + offset] = failure.cause }
        filtered = result.filtered
    }

    mutating func add(_ other: Outcome) {
        sent.formUnion(other.sent)
        failures.merge(other.failures) { first, _ in first }
        filtered += other.filtered
    }
}
