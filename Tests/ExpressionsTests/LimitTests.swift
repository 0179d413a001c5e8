import TestSupport
import Testing

@testable import Expressions

@Suite(.timeLimit(.minutes(5))) struct LimitTests {
    /// Sources that are deep, long or both; each has to be refused or to compile, quickly.
    @Test(arguments: [
        ("(", 65_536, ""), ("(", 4_000, "1"), ("!", 8_000, "true"), ("-", 8_000, "x"), ("[", 4_000, ""),
        ("a[", 2_700, "a"), ("{1:", 2_000, "1"), ("f(", 4_000, ""), ("true?", 1_600, "1"),
        ("x.map(x,", 1_000, "x"), ("1?1:", 2_000, "1"),
    ])
    func deepSourcesAreRefused(_ unit: String, _ count: Int, _ tail: String) throws {
        let message = try #require(problems(String(repeating: unit, count: count) + tail).first).message
        #expect(
            message.contains("64 levels") || message.contains("bytes") || message.contains("8192"),
            "\(message)")
    }

    @Test(arguments: [
        ("1", " + 1", 1_500), ("true", " && true", 700), ("cpu", " + cpu", 1_000), ("anything", ".a", 3_000),
        ("anything", "[0]", 2_000), ("'a'", ".trim()", 1_000), ("[1]", " + [1]", 1_000),
        ("1 == 1", " == true", 800), ("cpu > 1.0", " || cpu > 1.0", 500),
    ])
    func longChainsAreReadInLoops(_ first: String, _ unit: String, _ count: Int) throws {
        let source = first + String(repeating: unit, count: count)
        let expression = try CompiledExpression.compile(source, declarations: sampleDeclarations())
        var frame = Frame(for: expression)
        for index in expression.slots.indices { frame.set(double: 1, at: index) }
        _ = try? expression.evaluate(&frame)
    }

    @Test func theLanguagesSmallestLimitsAreMet() throws {
        let nested = String(repeating: "(", count: 32) + "1" + String(repeating: ")", count: 32)
        #expect(try evaluate(nested) == .int(1))
        let chain = (0..<32).map { "true ? \($0) : " }.joined() + "1"
        #expect(try evaluate(chain) == .int(0))
    }

    @Test func limitsAreTheEmbeddersToSet() {
        #expect(problems("1 + 1", limits: ExpressionLimits(maximumSourceBytes: 4)).count == 1)
        #expect(problems("((1))", limits: ExpressionLimits(maximumDepth: 2)).count == 1)
        #expect(problems("1 + 1", limits: ExpressionLimits(maximumNodes: 2)).count == 1)
        #expect(problems("[1, 2, 3].size()", limits: ExpressionLimits(maximumNodes: 5)).isEmpty)
    }

    @Test func aBudgetIsSharedByEvaluations() throws {
        var declarations = Declarations()
        declarations.declareVariable("s", type: .string)
        let expression = try CompiledExpression.compile("size(s + s)", declarations: declarations)
        var frame = Frame(for: expression)
        frame.set(string: String(repeating: "x", count: 100), at: 0)
        frame.budget = 1_000
        _ = try expression.evaluate(&frame)
        let cost = 1_000 - frame.budget
        #expect((400...410).contains(cost))
        _ = try expression.evaluateInt(&frame)
        #expect(frame.budget == 1_000 - 2 * cost)
        #expect(throws: EvaluationError.self) { try expression.evaluate(&frame) }
        #expect(frame.budget == 0)
        frame.budget = cost
        #expect(try expression.evaluateInt(&frame) == 200)
        frame.budget = cost - 1
        do {
            _ = try expression.evaluate(&frame)
            Issue.record("the budget is not kept")
        } catch {
            #expect(error.kind == .budgetExceeded)
        }
    }

    /// The expression's own limit is told apart from the budget, and costs what was spent until then.
    @Test func anEvaluationsLimitLeavesTheRestOfTheBudget() throws {
        var declarations = Declarations()
        declarations.declareVariable("s", type: .string)
        let expression = try CompiledExpression.compile(
            "size(s + s) + size(s + s + s)", declarations: declarations,
            limits: ExpressionLimits(maximumCost: 500))
        var frame = Frame(for: expression)
        frame.set(string: String(repeating: "x", count: 100), at: 0)
        frame.budget = 10_000
        do {
            _ = try expression.evaluate(&frame)
            Issue.record("the limit is not kept")
        } catch {
            #expect(error.kind == .costExceeded)
        }
        #expect((9_500..<9_700).contains(frame.budget))
    }

    /// Numbers count a little too, so that no number of evaluations is free.
    @Test func arithmeticTakesOfTheBudget() throws {
        let source = "cpu" + String(repeating: " + cpu", count: 320)
        let expression = try CompiledExpression.compile(source, declarations: sampleDeclarations())
        var frame = Frame(for: expression)
        frame.set(double: 1, at: 0)
        frame.budget = 1_000
        #expect(try expression.evaluateDouble(&frame) == 321)
        #expect((10...30).contains(1_000 - frame.budget))
    }

    /// Token soup: whatever comes, it is refused, fails, or gives a value; it never traps and always ends.
    @Test(arguments: 0..<8) func randomSourcesNeverTrap(_ seed: UInt64) {
        let words = [
            "1", "2.5", "3u", "'a'", "b'x'", "true", "null", "x", "y", "reading", ".temperature", ".count",
            ".mode", "loose.a", "(", ")", "[", "]", "{", "}", ":", ",", "?", "+", "-", "*", "/", "%", "<",
            ">=", "==", "!=", "&&", "||", "!", " in ", ".", "has(", "size(", ".size()", ".map(x, ",
            ".all(x, ", ".exists(y, ", "cel.bind(x, ", "math.greatest(", "duration('1s')", "timestamp(0)",
            "int(", "string(", ".matches('a*')", "[0]", "cpuTemperature()", "type(", "dyn(", ".format([",
            "9223372036854775807", "-", "\n", "\"", "\\", "é", "`", "//",
        ]
        var generator = SeededGenerator(seed: seed &* 7_919 &+ 17)
        var declarations = sampleDeclarations()
        declarations.declareVariable("x", type: .int)
        declarations.declareVariable("y", type: .dyn)
        var compiled = 0
        for round in 0..<2_500 {
            let count = Int.random(in: 1...14, using: &generator)
            let source = (0..<count).map { _ in words[Int.random(in: 0..<words.count, using: &generator)] }
                .joined()
            let limits = ExpressionLimits(maximumCost: 10_000)
            let mode: CheckMode = round % 2 == 0 ? .typed : .dynamic
            guard
                let expression = try? CompiledExpression.compile(
                    source, declarations: declarations, limits: limits, mode: mode)
            else {
                for problem in problems(source) { #expect(!problem.caret(in: source).isEmpty) }
                continue
            }
            compiled += 1
            var frame = Frame(for: expression)
            let values: [Value] = [.int(1), .double(2), .string("a"), .bool(true), .list([.int(1)]), .null]
            for index in expression.slots.indices where Bool.random(using: &generator) {
                frame.set(values[Int.random(in: 0..<values.count, using: &generator)], at: index)
            }
            _ = try? expression.evaluate(&frame)
        }
        #expect(compiled > 20)
    }

    /// Well-formed expressions over typed slots: the compiled form and the form whose types are only known at
    /// evaluation agree wherever the typed one is accepted.
    @Test(arguments: 0..<4) func typedAndUntypedEvaluationAgree(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed &+ 99)
        var declarations = Declarations()
        for (name, type) in [
            ("i", ValueType.int), ("j", .int), ("d", .double), ("e", .double), ("b", .bool), ("c", .bool),
            ("s", .string),
        ] {
            declarations.declareVariable(name, type: type)
        }
        for _ in 0..<400 {
            let source = expression(depth: 4, &generator)
            guard let typed = try? CompiledExpression.compile(source, declarations: declarations) else {
                continue
            }
            let untyped = try CompiledExpression.compile(source, declarations: declarations, mode: .dynamic)
            let values: [String: Value] = [
                "i": .int(Int64.random(in: -2...2, using: &generator)), "j": .int(3),
                "d": .double(Double(Int.random(in: -2...2, using: &generator))), "e": .double(0.5),
                "b": .bool(Bool.random(using: &generator)), "c": .bool(false), "s": .string("abc"),
            ]
            #expect(result(typed, values) == result(untyped, values), "\(source)")
        }
    }

    private func result(_ expression: CompiledExpression, _ values: [String: Value]) -> String {
        var frame = Frame(for: expression)
        for (index, slot) in expression.slots.enumerated() {
            if case .variable(let name) = slot.source, let value = values[name] {
                frame.set(value, at: index)
            }
        }
        do { return "\(try expression.evaluate(&frame))" } catch { return "error" }
    }

    private func expression(depth: Int, _ generator: inout SeededGenerator) -> String {
        func pick(_ options: [String]) -> String {
            options[Int.random(in: 0..<options.count, using: &generator)]
        }
        if depth == 0 { return pick(["i", "j", "d", "e", "b", "c", "s", "1", "0", "2.0", "true", "'a'"]) }
        let left = expression(depth: depth - 1, &generator)
        let right = expression(depth: depth - Int.random(in: 1...depth, using: &generator), &generator)
        switch Int.random(in: 0..<9, using: &generator) {
        case 0: return "(\(left) \(pick(["+", "-", "*", "/", "%"])) \(right))"
        case 1: return "(\(left) \(pick(["<", "<=", ">", ">=", "==", "!="])) \(right))"
        case 2, 3: return "(\(left) \(pick(["&&", "||"])) \(right))"
        case 4: return "(\(left) > \(right) ? \(right) : \(left))"
        case 5: return "!(\(left))"
        case 6: return "[\(left), \(right)].\(pick(["exists", "all", "exists_one"]))(x, x == \(right))"
        case 7: return "\(pick(["math.abs", "-", "double", "int"]))(\(left))"
        default: return "[\(left)].map(x, x + \(right))[0]"
        }
    }
}
