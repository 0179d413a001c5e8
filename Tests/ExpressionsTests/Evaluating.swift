import Testing

@testable import Expressions

/// Compiles and evaluates; names are bound by the given values.
func evaluate(
    _ source: String, _ bindings: [String: Value] = [:], mode: CheckMode = .typed,
    limits: ExpressionLimits = .standard
) throws -> Value {
    var declarations = Declarations()
    for (name, value) in bindings { declarations.declareVariable(name, type: value.staticType.settled) }
    let expression = try CompiledExpression.compile(
        source, declarations: declarations, limits: limits, mode: mode)
    var frame = Frame(for: expression)
    for (index, slot) in expression.slots.enumerated() {
        if case .variable(let name) = slot.source, let value = bindings[name] { frame.set(value, at: index) }
    }
    return try expression.evaluate(&frame)
}

/// The declarations of the tests: a closed record `reading`, an open one `loose`, and some variables.
func sampleDeclarations() -> Declarations {
    var declarations = Declarations()
    declarations.declareRecord(
        "reading",
        fields: [
            "temperature": .double, "humidity": .double, "count": .int, "mode": .string, "valid": .bool,
        ], isOpen: false)
    declarations.declareRecord("loose", fields: [:], isOpen: true)
    declarations.declareVariable("cpu", type: .double)
    declarations.declareVariable("time", type: .timestamp)
    declarations.declareVariable("anything", type: .dyn)
    declarations.declareFunction(
        HostFunction(
            name: "cpuTemperature",
            overloads: [
                .init(parameters: [], result: .double), .init(parameters: [.duration], result: .double),
            ]))
    return declarations
}

/// The problems of a source under the sample declarations; none where it compiles.
func problems(_ source: String, limits: ExpressionLimits = .standard) -> [ExpressionProblem] {
    do throws(ExpressionErrors) {
        _ = try CompiledExpression.compile(source, declarations: sampleDeclarations(), limits: limits)
        return []
    } catch {
        return error.problems
    }
}

/// The error of an evaluation without slots; nil where it gives a value.
func failure(_ source: String, mode: CheckMode = .typed, limits: ExpressionLimits = .standard)
    -> EvaluationError?
{
    do {
        _ = try evaluate(source, mode: mode, limits: limits)
        return nil
    } catch {
        return error as? EvaluationError
    }
}
