import Components
import Testing

@Suite("Spans of time as people write them")
struct TimeSpanTests {
    @Test(
        "are read",
        arguments: [
            ("90s", 90_000), ("15m", 900_000), ("12h", 43_200_000), ("7d", 604_800_000), ("1w", 604_800_000),
            ("1d12h", 129_600_000), ("250ms", 250), ("1m1ms", 60_001), ("0s", 0),
        ] as [(String, Int64)])
    func reads(text: String, milliseconds: Int64) throws {
        #expect(try TimeSpan(parsing: text).milliseconds == milliseconds)
    }

    @Test(
        "are refused without units, out of order, repeated or too long",
        arguments: [
            "", "7", "7 d", "d", "1h1d", "1h1h", "-1d", "1.5h", "1D", "9999999999999999d", "1y", "٣d",
        ])
    func refuses(text: String) {
        let error = #expect(throws: InvalidTimeSpan.self) { try TimeSpan(parsing: text) }
        #expect(error?.description.contains("7d") == true)
    }

    @Test(
        "are written in a form that reads back",
        arguments: [0, 1, 60_001, 129_600_000, 604_800_000] as [Int64])
    func writes(milliseconds: Int64) throws {
        let span = TimeSpan(milliseconds: milliseconds)
        #expect(try TimeSpan(parsing: span.description) == span)
    }
}
