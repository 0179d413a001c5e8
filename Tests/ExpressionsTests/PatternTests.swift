import Testing

@testable import Expressions

@Suite(.timeLimit(.minutes(5))) struct PatternTests {
    @Test(arguments: [
        ("a+b", "xaab", true), ("^a+b$", "xaab", false), ("^(a|bc)*$", "abcbca", true),
        ("a{2,3}", "a", false), ("^a{2,3}$", "aaa", true),
        ("^a{2,3}$", "aaaa", false), ("[^a-c]", "abc", false), ("[a-c-]", "-", true), ("[]x]", "]", true),
        ("\\d+\\.\\d", "v1.5", true), ("\\bcat\\b", "a cat!", true),
        ("\\bcat\\b", "concat", false), ("(?i)HEllo", "hello", true), ("(?i:a)b", "AB", false),
        ("a.c", "a\nc", false), ("(?s)a.c", "a\nc", true), ("(?m)^b$", "a\nb\nc", true),
        ("^b$", "a\nb\nc", false), ("\\p{Lu}\\p{Ll}", "xÄä", true), ("[[:alpha:]_]+", "12_", true),
        ("[^\\d\\s]", "1 2", false), ("x*", "", true), ("", "abc", true), ("a|", "zzz", true),
        ("^$", "", true), ("\\Qa.b\\E", "a.b", true), ("\\Qa.b\\E", "axb", false),
        ("\\x41\\x{1F600}", "A😀", true), ("a{,2}", "a{,2}", true), ("(?P<n>a)b", "ab", true),
        ("[^\\D]", "5", true), ("\\z", "x", true),
    ])
    func patternsMatchAsRE2(_ pattern: String, _ text: String, _ wanted: Bool) throws {
        #expect(
            try evaluate("t.matches(p)", ["t": .string(text), "p": .string(pattern)]) == .bool(wanted),
            "\(pattern)")
    }

    @Test(arguments: [
        "(", ")", "a**", "*", "[a", "a{3,2}", "\\1", "(?=a)", "(?<!a)", "\\", "[b-a]", "\\p{Xx}", "a{1001}",
        "(?z)", "[[:no:]]", "((a{100}){100}){100}",
    ])
    func whatIsNoPatternIsRefused(_ pattern: String) {
        #expect(throws: EvaluationError.self, "\(pattern)") { try Pattern(pattern) }
    }

    /// Repetitions of what makes no state, in each other, ask for 10^9 rounds.
    @Test(arguments: [
        "(((){1000}){1000}){1000}", "(((a{0}){1000}){1000}){1000}", "((((?i)){1000}){1000}){1000}",
    ])
    func emptyRepetitionsAreBounded(_ pattern: String) {
        #expect(cause("a", pattern)?.message.contains("too large") == true)
        #expect(problems("'a'.matches('\(pattern)')").first?.message.contains("too large") == true)
        #expect(problems("reading.mode.matches('\(pattern)')").first?.message.contains("too large") == true)
    }

    /// Where an error is absorbed, one after the other is tried: each has its price.
    @Test func patternsThatAreRefusedAreNotFree() {
        let patterns = Value.list(Array(repeating: .string("((a|){60}){60}"), count: 10_000))
        let error = #expect(throws: EvaluationError.self) {
            try evaluate("ps.exists(p, 'a'.matches(p))", ["ps": patterns])
        }
        #expect(error?.kind == .costExceeded)
    }

    @Test func fewEmptyRepetitionsAreAllowed() throws {
        #expect(cause("b", "^(){1000}a{0}b$") == nil)
    }

    /// Large sets pay for their size, more so without case.
    @Test func setsPayForTheirSize() {
        let set = (0..<1_000).map { "\\x{\(String(0x4E00 + 2 * $0, radix: 16))}" }.joined()
        let text = String(repeating: "é", count: 1_000)
        // 9,000 for reading the pattern, and 63 or 188 for each character, besides the states.
        #expect(cause(text, "[\(set)]", maximumCost: 50_000)?.kind == .costExceeded)
        #expect(cause(text, "[\(set)]", maximumCost: 100_000) == nil)
        #expect(cause(text, "(?i)[\(set)]", maximumCost: 100_000)?.kind == .costExceeded)
    }

    @Test func buildingPaysForRepetitions() {
        #expect(cause("b", "(b?){999}", maximumCost: 900)?.kind == .costExceeded)
        #expect(cause("b", "(b?){99}", maximumCost: 900) == nil)
    }

    /// Why a pattern that is only known at evaluation gives no answer; nil where it gives one.
    private func cause(
        _ text: String, _ pattern: String, maximumCost: Int = 1_000_000
    ) -> EvaluationError? {
        do {
            _ = try evaluate(
                "t.matches(p)", ["t": .string(text), "p": .string(pattern)],
                limits: ExpressionLimits(maximumCost: maximumCost))
            return nil
        } catch {
            return error as? EvaluationError
        }
    }

    @Test func depthIsBounded() {
        let deep = String(repeating: "(", count: 5_000)
        #expect(throws: EvaluationError.self) {
            try Pattern(deep + "a" + String(repeating: ")", count: 5_000))
        }
    }

    /// Patterns that take exponential time where a matcher goes back.
    @Test func catastrophicPatternsAreLinear() throws {
        let text = String(repeating: "a", count: 400)
        for pattern in ["(a+)+$", "(a|aa)+$", "(a*)*b", "(.*)*x", "(a?){40}a{40}b"] {
            _ = try? evaluate("t.matches(p)", ["t": .string(text + "!"), "p": .string(pattern)])
        }
    }
}
