import Testing

@testable import Expressions

@Suite struct HostFunctionTests {
    private struct Sampler: HostEnvironment {
        let answer: Value
        func call(_ function: String, _ arguments: [Value]) throws(EvaluationError) -> Value {
            guard function == "cpuTemperature" else { throw .host("no \(function)") }
            if case .duration(let span) = arguments.first, span.duration > .seconds(60) {
                throw .host("only the last 60 s are kept")
            }
            return answer
        }
    }

    private func compile(_ source: String) throws -> CompiledExpression {
        try CompiledExpression.compile(source, declarations: sampleDeclarations())
    }

    @Test func constantArgumentsAreSeenBeforeEvaluation() throws {
        let expression = try compile(
            "cpuTemperature(duration('8s')) + cpuTemperature() + cpuTemperature(duration(reading.mode))")
        #expect(expression.hostFunctions == ["cpuTemperature"])
        #expect(
            expression.hostCalls.map(\.constantArguments) == [
                [.duration(TimeSpan(nanoseconds: 8_000_000_000))], [], [nil],
            ])
        #expect(expression.hostCalls[0].span == SourceSpan(start: 0, end: 30))
        #expect(expression.hostCalls[0].argumentSpans == [SourceSpan(start: 15, end: 29)])
    }

    @Test func theCompensationOfTheExampleHolds() throws {
        let expression = try compile("2.0 * reading.temperature - cpuTemperature(duration('8s'))")
        var frame = Frame(for: expression)
        frame.set(double: 31.25, at: 0)
        #expect(try expression.evaluateDouble(&frame, host: Sampler(answer: .double(50))) == 12.5)
    }

    @Test func failuresOfTheHostCarryThePlace() throws {
        let expression = try compile("1.0 + cpuTemperature(duration('61s'))")
        var frame = Frame(for: expression)
        let error = #expect(throws: EvaluationError.self) {
            try expression.evaluateDouble(&frame, host: Sampler(answer: .double(1)))
        }
        #expect(
            error
                == EvaluationError(
                    kind: .host, message: "only the last 60 s are kept", span: SourceSpan(start: 6, end: 37)))
        let absorbed = try compile("cpuTemperature(duration('61s')) > 1.0 || true")
        var other = Frame(for: absorbed)
        #expect(try absorbed.evaluateBool(&other, host: Sampler(answer: .double(1))))
    }

    @Test func answersOfAnotherTypeAreErrors() throws {
        let expression = try compile("cpuTemperature()")
        var frame = Frame(for: expression)
        let error = #expect(throws: EvaluationError.self) {
            try expression.evaluateDouble(&frame, host: Sampler(answer: .string("warm")))
        }
        #expect(error?.kind == .typeMismatch)
        #expect(throws: EvaluationError.self) { try expression.evaluateDouble(&frame) }
    }

    @Test func hostCallsInMacrosAreMadeForEachElement() throws {
        let expression = try compile("[1.0, 2.0].map(x, x * cpuTemperature())")
        var frame = Frame(for: expression)
        #expect(
            try expression.evaluate(&frame, host: Sampler(answer: .double(3)))
                == .list([.double(3), .double(6)]))
    }

    @Test func argumentsOfUnknownTypeAreCheckedBeforeTheCall() throws {
        let expression = try compile("cpuTemperature(anything)")
        var frame = Frame(for: expression)
        frame.set(int: 8, at: 0)
        let error = #expect(throws: EvaluationError.self) {
            try expression.evaluateDouble(&frame, host: Sampler(answer: .double(1)))
        }
        #expect(error?.kind == .noSuchOverload)
        frame.set(.duration(TimeSpan(nanoseconds: 1)), at: 0)
        #expect(try expression.evaluateDouble(&frame, host: Sampler(answer: .double(1))) == 1)
    }
}
