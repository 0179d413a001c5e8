import Components
import Foundation
import Testing

@Suite("Patterns of things")
struct ThingPatternTests {
    @Test(
        "mean one thing, those with a prefix, or all",
        arguments: [
            ("press-1", ["press-1"], "press-1"), ("press-*", ["press-1", "press-22", "press-"], nil),
            ("*", ["press-1", "press-22", "press-", "oven"], nil), ("press", [], "press"),
        ] as [(String, [String], String?)])
    func matching(text: String, expected: [String], name: String?) {
        let pattern = ThingPattern(text)
        #expect(["press-1", "press-22", "press-", "oven"].filter(pattern.matches) == expected)
        #expect(pattern.name == name && pattern.problem == nil && "\(pattern)" == text)
    }

    @Test(
        "say what is wrong with them",
        arguments: [
            ("{type=bme680}", "selectors are not taken"), ("thing:a", "without thing:"), ("", "is empty"),
            ("a b", "a character that is not allowed"), ("a**", "a character that is not allowed"),
            (String(repeating: "a", count: 129), "129 bytes"),
        ])
    func problems(text: String, message: String) {
        #expect(ThingPattern(text).problem?.contains(message) == true, "\(text)")
    }

    @Test("are stored as they are written")
    func stored() throws {
        let data = try JSONEncoder().encode([ThingPattern("a-*"), .all])
        #expect(String(decoding: data, as: UTF8.self) == #"["a-*","*"]"#)
        #expect(try JSONDecoder().decode([ThingPattern].self, from: data) == [ThingPattern("a-*"), .all])
    }
}
