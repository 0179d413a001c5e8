import Testing

@testable import Expressions

@Suite struct CaretTests {
    private func caret(_ source: String, _ start: Int, _ end: Int, width: Int = 100) -> [String] {
        ExpressionProblem(span: SourceSpan(start: start, end: end), message: "")
            .caret(in: source, width: width).split(separator: "\n", omittingEmptySubsequences: false).map(
                String.init)
    }

    @Test func theSpanIsMarkedBelowItsLine() {
        #expect(caret("a + nope * 2", 4, 8) == ["a + nope * 2", "    ^^^^"])
        #expect(caret("1 +", 3, 3) == ["1 +", "   ^"])
        #expect(caret("", 0, 0) == ["", "^"])
    }

    @Test func onlyTheLineInQuestionIsShown() {
        #expect(caret("first\nsecond\nthird", 6, 12) == ["second", "^^^^^^"])
        #expect(caret("first\r\nsecond", 7, 9) == ["second", "^^"])
        #expect(caret("first\nsecond", 2, 9) == ["first", "  ^^^"])
        #expect(caret("first\nsecond", 5, 5) == ["first", "     ^"])
    }

    @Test func tabsAndWideCharactersKeepTheMarkInPlace() {
        #expect(caret("\ta + b", 1, 2) == [" a + b", " ^"])
        #expect(caret("'温度' + x", 11, 12) == ["'温度' + x", "         ^"])
        #expect(caret("'é' + x", 7, 8) == ["'é' + x", "      ^"])
    }

    @Test(arguments: [0, 10, 500, 990, 999])
    func longLinesAreCutAroundTheMark(_ start: Int) throws {
        let source = String((0..<1_000).map { Character(UnicodeScalar(UInt8(97 + $0 % 26))) })
        let lines = caret(source, start, start + 1, width: 60)
        #expect(lines[0].count <= 60)
        let column = try #require(lines[1].firstIndex(of: "^"))
        let marked = lines[0][
            lines[0].index(
                lines[0].startIndex, offsetBy: lines[1].distance(from: lines[1].startIndex, to: column))]
        #expect(marked == Array(source)[start])
    }
}
