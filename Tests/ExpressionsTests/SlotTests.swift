import Testing

@testable import Expressions

@Suite struct SlotTests {
    private func compile(_ source: String) throws -> CompiledExpression {
        try CompiledExpression.compile(source, declarations: sampleDeclarations())
    }

    @Test func eachFieldIsOneSlotHoweverItIsNamed() throws {
        let expression = try compile(
            "reading.temperature > cpu && reading[\"temperature\"] < 3.0 && has(reading.humidity) && 'mode' in reading"
        )
        #expect(
            expression.slots == [
                Slot(
                    source: .field(record: "reading", name: "temperature"), type: .double, isRead: true,
                    isTested: false),
                Slot(source: .variable("cpu"), type: .double, isRead: true, isTested: false),
                Slot(
                    source: .field(record: "reading", name: "humidity"), type: .double, isRead: false,
                    isTested: true),
                Slot(
                    source: .field(record: "reading", name: "mode"), type: .string, isRead: false,
                    isTested: true),
            ])
        #expect(expression.type == .bool)
    }

    @Test func absentFieldsFailOnlyWhereTheyAreRead() throws {
        let expression = try compile("has(reading.temperature) ? reading.temperature : -1.0")
        var frame = Frame(for: expression)
        #expect(try expression.evaluateDouble(&frame) == -1)
        frame.set(double: 20, at: 0)
        #expect(try expression.evaluateDouble(&frame) == 20)
        frame.setAbsent(at: 0)
        #expect(try expression.evaluateDouble(&frame) == -1)
        let plain = try compile("reading.temperature + 1.0")
        var empty = Frame(for: plain)
        let error = #expect(throws: EvaluationError.self) { try plain.evaluateDouble(&empty) }
        #expect(error?.kind == .noSuchField)
        #expect(error?.message == "'reading.temperature' has no value")
        #expect(error?.span == SourceSpan(start: 0, end: 19))
    }

    @Test func valuesOfAnotherTypeThanDeclaredAreNotRead() throws {
        let expression = try compile("reading.temperature + 1.0")
        var frame = Frame(for: expression)
        frame.set(int: 3, at: 0)
        let error = #expect(throws: EvaluationError.self) { try expression.evaluateDouble(&frame) }
        #expect(error?.kind == .typeMismatch)
        frame.set(.double(3), at: 0)
        #expect(try expression.evaluateDouble(&frame) == 4)
    }

    @Test func openRecordsAreCheckedAtEvaluation() throws {
        let expression = try compile("2.0 * loose.temperature - cpu")
        #expect(expression.type == .double)
        var frame = Frame(for: expression)
        frame.set(double: 30, at: 0)
        frame.set(double: 50, at: 1)
        #expect(try expression.evaluateDouble(&frame) == 10)
        frame.set(int: 30, at: 0)
        let error = #expect(throws: EvaluationError.self) { try expression.evaluateDouble(&frame) }
        #expect(error?.kind == .noSuchOverload)
        #expect(error?.message.contains("convert it with double(x)") == true)
    }

    @Test func framesAreValues() throws {
        let expression = try compile("reading.mode + '!'")
        var first = Frame(for: expression)
        first.set(string: "a", at: 0)
        var second = first
        second.set(string: "b", at: 0)
        #expect(try expression.evaluate(&first) == .string("a!"))
        #expect(try expression.evaluate(&second) == .string("b!"))
        let other = try compile("reading.mode")
        #expect(throws: EvaluationError.self) { try other.evaluate(&first) }
    }

    @Test func aFrameGivesEachRowItsOwnResult() throws {
        let expression = try compile(
            "reading.temperature > 30.0 && reading.humidity < 80.0 ? reading.mode : 'off'")
        var frame = Frame(for: expression)
        for row in 0..<200 {
            frame.set(double: Double(row % 60), at: 0)
            if row % 7 == 0 { frame.setAbsent(at: 1) } else { frame.set(double: Double(row), at: 1) }
            frame.set(string: "row \(row)", at: 2)
            let isHot = row % 60 > 30
            if row % 7 == 0, isHot {
                #expect(throws: EvaluationError.self) { try expression.evaluate(&frame) }
            } else {
                #expect(try expression.evaluate(&frame) == .string(isHot && row < 80 ? "row \(row)" : "off"))
            }
        }
    }

    @Test func dynamicResultsAreCheckedByTypedEvaluation() throws {
        let expression = try compile("anything")
        var frame = Frame(for: expression)
        frame.set(double: 1.5, at: 0)
        #expect(try expression.evaluateDouble(&frame) == 1.5)
        #expect(throws: EvaluationError.self) { try expression.evaluateBool(&frame) }
        frame.set(bool: true, at: 0)
        #expect(try expression.evaluateBool(&frame))
    }
}
