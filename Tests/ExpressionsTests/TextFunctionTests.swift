import Testing

@testable import Expressions

@Suite struct TextFunctionTests {
    @Test(arguments: [
        ("'tacocat'.charAt(3)", Value.string("o")), ("'tacocat'.charAt(7)", .string("")),
        ("'añb'.size()", .int(3)), ("size('😀')", .int(1)), ("'tacocat'.indexOf('a', 2)", .int(5)),
        ("'tacocat'.lastIndexOf('a')", .int(5)),
        ("'a,b,c'.split(',', 2)", .list([.string("a"), .string("b,c")])),
        ("'abc'.split('')", .list([.string("a"), .string("b"), .string("c")])),
        ("['a', 'b'].join('-')", .string("a-b")),
        ("'hello'.replace('l', 'L', 1)", .string("heLlo")), ("'ab'.replace('', '-')", .string("-a-b-")),
        ("'  x\\t'.trim()", .string("x")), ("'héllo'.reverse()", .string("olléh")),
        ("'AbÇ'.lowerAscii()", .string("abÇ")),
        ("'hello'.substring(1, 3)", .string("el")), ("strings.quote('a\"b\\n')", .string("\"a\\\"b\\n\"")),
        ("'%s is %.2f (%d)'.format(['x', 2.675, 3])", .string("x is 2.67 (3)")),
        ("'%e'.format([0.0])", .string("0.000000e+00")),
        ("'%.0f|%.3e|%x'.format([0.5, 999950.0, 255])", .string("0|1.000e+06|ff")),
        ("'%.2f'.format([0.005])", .string("0.01")),
        ("'%.1f'.format([-0.04])", .string("-0.0")), ("'%.3f'.format([1e-9])", .string("0.000")),
        ("'%.1f'.format([99.96])", .string("100.0")),
        ("string(1.0)", .string("1")), ("string(1e23)", .string("100000000000000000000000")),
        ("string(1.5e-7)", .string("0.00000015")),
        ("string(-0.0)", .string("-0")), ("string(123456789.125)", .string("123456789.125")),
        ("string(duration('-90.5s'))", .string("-90.5s")), ("string(b'abc')", .string("abc")),
        ("int('-42') + int(3.9) + int(2u)", .int(-37)), ("double('1e3')", .double(1_000)),
        ("uint('7')", .uint(7)),
        ("bool('true')", .bool(true)), ("bytes('é')", .bytes([0xC3, 0xA9])),
    ])
    func textsAreMadeAndTakenApart(_ source: String, _ wanted: Value) throws {
        #expect(try evaluate(source) == wanted)
    }

    @Test(arguments: [
        ("'abc'.substring(2, 1)", EvaluationError.Kind.invalidArgument),
        ("'abc'.charAt(4)", .indexOutOfRange),
        ("'abc'.substring(-1)", .indexOutOfRange), ("'%d'.format(['x'])", .noSuchOverload),
        ("'%s'.format([])", .invalidArgument), ("'%q'.format([1])", .invalidArgument),
        ("string(b'\\xff')", .invalidArgument),
        ("[1, 2][2]", .indexOutOfRange), ("{'a': 1}['b']", .noSuchKey), ("int(1e19)", .overflow),
        ("uint(-1)", .overflow),
    ])
    func wrongArgumentsAreErrors(_ source: String, _ kind: EvaluationError.Kind) {
        #expect(failure(source)?.kind == kind)
    }

    @Test func growthIsBounded() {
        let doubled =
            "cel.bind(s, 'xxxxxxxxxxxxxxxx', " + String(repeating: "cel.bind(s, s + s, ", count: 30)
            + "s.size()"
            + String(repeating: ")", count: 31)
        #expect(failure(doubled)?.kind == .costExceeded)
        let replaced =
            "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'"
            + String(repeating: ".replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')", count: 10)
        #expect(failure(replaced)?.kind == .costExceeded)
        #expect(
            failure("'%.1000f%.1000f'.format([1.0, 1.0])", limits: ExpressionLimits(maximumCost: 500))?.kind
                == .costExceeded)
    }

    /// The extremes have the most digits; each prints as the C library has it.
    @Test(arguments: [
        (Double.leastNonzeroMagnitude, "4.940656458412465442e-324"),
        (Double.leastNormalMagnitude.nextDown, "2.225073858507200889e-308"),
        (Double.greatestFiniteMagnitude, "1.797693134862315708e+308"), (1e22, "1.000000000000000000e+22"),
        (0.1, "1.000000000000000056e-01"),
    ])
    func allDigitsAreExact(_ number: Double, _ wanted: String) throws {
        #expect(try evaluate("'%.18e'.format([x])", ["x": .double(number)]) == .string(wanted))
    }
}
