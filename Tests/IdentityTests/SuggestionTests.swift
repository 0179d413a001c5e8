import Identity
import Testing

@Suite("Suggestions")
struct SuggestionTests {
    @Test(
        "find the near name",
        arguments: [
            ("subscritpions", "subscriptions"), ("Thing", "things"), ("nam", "name"), ("--prot", "--port"),
            ("maxsize", "maxSize"),
        ])
    func near(word: String, expected: String) {
        let known = ["name", "things", "subscriptions", "--port", "maxSize"]
        #expect(Suggestion.nearest(to: word, in: known) == expected)
    }

    @Test(
        "find nothing where nothing is near",
        arguments: ["", "zzz", "n", String(repeating: "x", count: 100_000)])
    func far(word: String) {
        #expect(Suggestion.nearest(to: word, in: ["name", "things"]) == nil)
    }
}
