import Testing

@testable import Expressions

@Suite struct LogicTests {
    /// An operand that decides absorbs the other's error, on either side.
    @Test(arguments: [
        ("a / 0 > 1 || true", true), ("true || a / 0 > 1", true), ("a / 0 > 1 && false", false),
        ("false && a / 0 > 1", false), ("(a / 0 > 1 || a / 0 > 2) || true", true),
        ("a / 0 > 1 || a / 0 > 2 || a == 1", true), ("(a / 0 > 1 && a == 1) || true", true),
        ("(a / 0 > 1 || true) && a == 1", true), ("a / 0 > 1 || (a / 0 > 2 || a == 1)", true),
    ])
    func aDecidingOperandAbsorbsErrors(_ source: String, _ wanted: Bool) throws {
        #expect(try evaluate(source, ["a": .int(1)]) == .bool(wanted))
    }

    @Test(arguments: [
        "a / 0 > 1 || false", "false || a / 0 > 1", "a / 0 > 1 && true", "true && a / 0 > 1",
        "a / 0 > 1 || a / 0 > 2", "a / 0 > 1 ? true : true", "!(a / 0 > 1)",
    ])
    func anErrorThatNothingDecidesRemains(_ source: String) {
        let error = #expect(throws: EvaluationError.self) { try evaluate(source, ["a": .int(1)]) }
        #expect(error?.kind == .divisionByZero)
    }

    @Test func onlyTheChosenBranchIsEvaluated() throws {
        #expect(try evaluate("a == 1 ? 10 : a / 0", ["a": .int(1)]) == .int(10))
        #expect(try evaluate("a == 1 ? (a == 2 ? 1 : 2) : 3", ["a": .int(1)]) == .int(2))
    }

    /// What an operand proved about a slot does not hold where the operand failed.
    @Test func aSlotCheckedInAFailedOperandIsCheckedAgain() throws {
        let source = "(1 / reading.count > 0 && reading.valid) || reading.valid"
        let expression = try CompiledExpression.compile(source, declarations: sampleDeclarations())
        var frame = Frame(for: expression)
        let error = #expect(throws: EvaluationError.self) { try expression.evaluateBool(&frame) }
        #expect(error?.kind == .noSuchField)
        for (index, slot) in expression.slots.enumerated() where slot.type == .bool {
            frame.set(bool: true, at: index)
        }
        #expect(try expression.evaluateBool(&frame))
    }

    @Test func theErrorNamesThePlaceThatFailed() throws {
        let error = #expect(throws: EvaluationError.self) { try evaluate("1 + (10 / a)", ["a": .int(0)]) }
        #expect(error?.span == SourceSpan(start: 5, end: 11))
    }
}
