import Testing

@testable import Expressions

@Suite struct ProblemTests {
    @Test(arguments: [
        ("reading.humidty > 1.0", "'reading' has no field 'humidty'; did you mean 'humidity'?", 8..<15),
        ("redaing.humidity", "unknown name 'redaing'; did you mean 'reading'?", 0..<7),
        ("temperature * 2.0", "unknown name 'temperature'; did you mean 'reading.temperature'?", 0..<11),
        (
            "2 * reading.temperature",
            "no such overload: '_*_' applied to '(int, double)'; write 2.0 instead of 2", 0..<23
        ),
        (
            "reading.count * 0.5",
            "no such overload: '_*_' applied to '(int, double)'; convert the int with double(x)", 0..<19
        ),
        ("reading.mode.startWith('a')", "unknown function 'startWith'; did you mean 'startsWith'?", 13..<22),
        ("math.sqr(4.0)", "unknown function 'math.sqr'; did you mean 'math.sqrt'?", 5..<8),
        ("cpuTemprature()", "unknown function 'cpuTemprature'; did you mean 'cpuTemperature'?", 0..<13),
        (
            "cpuTemperature(8)",
            "no such overload: cpuTemperature(int); there is cpuTemperature(), cpuTemperature(duration)",
            0..<17
        ),
        (
            "reading.temperature == null",
            "no such overload: '_==_' applied to '(double, null)'; ask with has(…) whether a field is there",
            0..<27
        ),
        (
            "reading", "'reading' is a record, not a value; name one of its fields, such as reading.count",
            0..<7
        ),
        (
            "reading.valid ? 1 : 2.0",
            "both values of the conditional have to be of one type, these are int and double; write 1.0 instead of 1",
            0..<23
        ),
        (
            "reading.count && true", "'&&' and '||' combine bools; this is of type int, compare it (x > 0)",
            0..<13
        ),
        (
            "'T: ' + reading.temperature",
            "no such overload: '_+_' applied to '(string, double)'; convert with string(x)", 0..<27
        ),
        ("optional.of(1)", "the function 'optional.of' is not supported in this version", 9..<11),
        ("size", "unknown name 'size'; it is a function: size(…)", 0..<4),
        ("startsWith('a', 'b')", "'startsWith' is a member; write value.startsWith(…)", 0..<10),
        (
            "reading.mode.matches('(')",
            "the regular expression is not valid at its character 2: a '(' without its ')'", 21..<24
        ),
        ("int('x')", "\"x\" is no int: write digits, such as \"42\"", 4..<7),
    ])
    func whatDoesNotFitIsExplained(_ source: String, _ message: String, _ range: Range<Int>) throws {
        let found = problems(source)
        let problem = try #require(found.first)
        #expect(found.count == 1)
        #expect(problem.message == message)
        #expect(problem.span == SourceSpan(start: range.lowerBound, end: range.upperBound))
    }

    @Test(arguments: [
        ("1 +", "unexpected end: a value is missing here", 3), ("(1 + 2", "the '(' lacks its ')'", 0),
        ("1 = 2", "'=' is no operator; compare with '=='", 2),
        ("true and false", "'and' is no operator; write '&&'", 5),
        ("'abc", "the text that begins here lacks its closing '", 0),
        ("2x", "'x' directly after a number; an operator is missing", 0),
        ("[1, 2", "the list lacks its ']', or a comma between elements", 0),
        ("1 2", "unexpected '2': the expression is complete before it; an operator is missing", 2),
        ("a.?b", "optional selections (.?) are not supported in this version", 2),
        ("M{a: 1}", "making messages (Type{…}) are not supported in this version", 1),
        ("'\\q'", "unknown escape sequence; a backslash itself is written \\\\, or the text raw: r'…'", 1),
        ("", "the expression is empty; write a value or a calculation", 0),
        ("for", "'for' is a reserved word of CEL and cannot be a name here", 0),
        ("99999999999999999999", "the number does not fit 64 bits; write it with .0 for a double", 0),
        ("1)", "unexpected ')': nothing is open that it could close", 1),
        ("f(1", "the call lacks its ')', or a comma between arguments", 1),
        ("has(1)", "has() takes one selection of a field, such as has(reading.temperature)", 4),
        (
            "true ? 1",
            "unexpected end: the conditional needs ':' and the value for false: condition ? value : value", 8
        ),
        ("1 § 2", "the character '§' is no part of an expression", 2),
        ("[1].map(1, 2)", "the first argument of 'map' has to be a name for the element, such as x", 8),
    ])
    func whatIsNoExpressionIsExplained(_ source: String, _ message: String, _ start: Int) throws {
        let problem = try #require(problems(source).first)
        #expect(problem.message == message)
        #expect(problem.span.start == start)
    }

    @Test func severalProblemsComeAtOnceInOrder() {
        let found = problems("reading.humidty + reading.temprature * 2 > redaing.x")
        #expect(found.map(\.span.start) == [8, 26, 43])
        let many = (0..<40).map { "x\($0)" }.joined(separator: " + ")
        #expect(problems(many).count == ExpressionErrors.maximumProblems)
    }

    @Test func positionsCountCharactersAndLines() {
        let source = "'äö' +\n\t nope"
        let problem = problems(source).first
        #expect(problem?.position(in: source) == SourcePosition(line: 2, column: 3))
    }
}
