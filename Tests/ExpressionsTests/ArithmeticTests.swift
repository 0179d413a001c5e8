import Testing

@testable import Expressions

@Suite struct ArithmeticTests {
    @Test(arguments: [
        ("1 + 2 * 3", Value.int(7)), ("(1 + 2) * 3", .int(9)), ("7 / 2", .int(3)), ("-7 / 2", .int(-3)),
        ("-7 % 3", .int(-1)), ("7u % 4u", .uint(3)), ("1.0 / 0.0", .double(.infinity)), ("-(5)", .int(-5)),
        ("--5", .int(5)), ("0xFF + 1", .int(256)), ("-0x10", .int(-16)), ("1e3", .double(1_000)),
        (".5 + 1.5", .double(2)), ("10 - 3 - 2", .int(5)), ("2.0 * 1.5 - 0.5", .double(2.5)),
        ("'a' + 'b'", .string("ab")), ("[1] + [2]", .list([.int(1), .int(2)])),
        ("b'a' + b'b'", .bytes([97, 98])), ("-9223372036854775808", .int(.min)),
        ("1 < 2 == true", .bool(true)), ("true ? 1 : 2", .int(1)), ("!true || !false", .bool(true)),
    ])
    func operatorsGiveWhatTheLanguageSays(_ source: String, _ wanted: Value) throws {
        #expect(try evaluate(source) == wanted)
    }

    @Test(arguments: [
        "9223372036854775807 + 1", "-9223372036854775808 - 1", "9223372036854775807 * 2",
        "-(-9223372036854775808)",
        "-9223372036854775808 / -1", "0u - 1u", "18446744073709551615u + 1u",
        "timestamp('9999-12-31T23:59:59Z') + duration('1s')", "math.abs(-9223372036854775808)",
    ])
    func leavingTheRangeIsAnError(_ source: String) {
        #expect(failure(source)?.kind == .overflow, "\(source)")
    }

    @Test(arguments: ["1 / 0", "1 % 0", "1u / 0u", "1u % 0u"])
    func wholeNumbersDoNotDivideByZero(_ source: String) {
        #expect(failure(source)?.kind == .divisionByZero)
    }

    /// The same on slots, which run as unboxed instructions instead of being computed in advance.
    @Test func unboxedArithmeticFailsAsConstantsDo() throws {
        for (source, kind) in [
            ("a + b", EvaluationError.Kind.overflow), ("a * b", .overflow), ("a / (b - b)", .divisionByZero),
            ("a % (b - b)", .divisionByZero),
        ] {
            let error = #expect(throws: EvaluationError.self) {
                try evaluate(source, ["a": .int(.max), "b": .int(.max)])
            }
            #expect(error?.kind == kind, "\(source)")
        }
        #expect(try evaluate("a - b", ["a": .uint(5), "b": .uint(3)]) == .uint(2))
        #expect(try evaluate("a / b", ["a": .double(1), "b": .double(0)]) == .double(.infinity))
        #expect(try evaluate("-a", ["a": .double(2)]) == .double(-2))
    }

    @Test(arguments: [
        ("dyn(1) == 1.0", true), ("dyn(1u) == 1", true), ("1 < 2.5", true), ("2u >= 2", true),
        ("dyn(-1) < 1u", true), ("dyn(1.5) > 1", true), ("[1, 2] == [1, 2]", true),
        ("dyn([1, 2.0]) == [1.0, 2]", true), ("{'a': 1} == {'a': 1}", true), ("dyn('1') == 1", false),
        ("0.0 / 0.0 == 0.0 / 0.0", false), ("'a' < 'b'", true), ("b'a' < b'b'", true), ("false < true", true),
        ("'\\u00e9' == 'e\\u0301'", false), ("type(1) == int", true), ("type(type(1)) == type", true),
        ("duration('1m') == duration('60s')", true), ("timestamp(0) < timestamp(1)", true),
    ])
    func comparisonsFollowValuesNotForms(_ source: String, _ wanted: Bool) throws {
        #expect(try evaluate(source) == .bool(wanted))
    }

    @Test func typedColumnsCompareUnboxed() throws {
        for (left, right) in [(1.0, 2.0), (2.0, 2.0), (3.0, 2.0), (.nan, 2.0)] {
            let bindings: [String: Value] = ["a": .double(left), "b": .double(right)]
            #expect(try evaluate("a < b", bindings) == .bool(left < right))
            #expect(try evaluate("a <= b", bindings) == .bool(left <= right))
            #expect(try evaluate("a > b", bindings) == .bool(left > right))
            #expect(try evaluate("a >= b", bindings) == .bool(left >= right))
            #expect(try evaluate("a == b", bindings) == .bool(left == right))
            #expect(try evaluate("a != b", bindings) == .bool(left != right))
        }
        #expect(try evaluate("a < b", ["a": .uint(1), "b": .uint(.max)]) == .bool(true))
        #expect(try evaluate("a < b", ["a": .int(-1), "b": .int(0)]) == .bool(true))
    }
}
