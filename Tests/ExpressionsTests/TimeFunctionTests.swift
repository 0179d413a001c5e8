import Testing

@testable import Expressions

@Suite struct TimeFunctionTests {
    @Test(arguments: [
        ("timestamp('2024-02-29T12:34:56.789Z').getDayOfYear()", Value.int(59)),
        ("timestamp(0).getDayOfWeek()", .int(4)),
        ("timestamp('1969-12-31T23:59:59Z').getDayOfWeek()", .int(3)),
        ("int(timestamp('1969-12-31T23:59:59Z'))", .int(-1)),
        ("timestamp('2024-02-29T12:34:56.789Z').getMilliseconds()", .int(789)),
        ("timestamp('2024-02-29T23:30:00Z').getDate('+01:00')", .int(1)),
        ("timestamp('2024-01-01T00:30:00Z').getFullYear('-01:00')", .int(2_023)),
        ("string(timestamp('2024-02-29T12:00:00+02:00'))", .string("2024-02-29T10:00:00Z")),
        ("string(timestamp('0001-01-01T00:00:00.000000001Z'))", .string("0001-01-01T00:00:00.000000001Z")),
        ("duration('1h30m').getMinutes()", .int(90)), ("duration('1.5s').getMilliseconds()", .int(500)),
        ("duration('-1m') + duration('30s') == duration('-30s')", .bool(true)),
        ("timestamp(10) - timestamp(4) == duration('6s')", .bool(true)),
        ("string(timestamp(0) - duration('1ns'))", .string("1969-12-31T23:59:59.999999999Z")),
        ("duration('0.1h') == duration('6m')", .bool(true)),
        ("duration('1us') == duration('1000ns')", .bool(true)),
        ("duration('0') == duration('0s')", .bool(true)),
    ])
    func timesAreReadAndTakenApart(_ source: String, _ wanted: Value) throws {
        #expect(try evaluate(source) == wanted)
    }

    @Test func everyDayOfFourCenturiesHasOneDate() {
        var date = CivilDate(daysSince1970: -146_097)
        for day in Int64(-146_096)...146_097 {
            let next = CivilDate(daysSince1970: day)
            let follows = next.day == date.day + 1 && next.month == date.month || next.day == 1
            if !follows || next.daysSince1970 != day { Issue.record("day \(day)") }
            date = next
        }
    }

    @Test(arguments: [
        "2024-02-30T00:00:00Z", "2024-13-01T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01",
        "2024-01-01T00:00:00",
        "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00+1:00", "0000-01-01T00:00:00Z", "2024-01-01 00:00:00Z",
        "",
    ])
    func textsThatAreNoTimesAreRefusedWhenChecked(_ text: String) {
        #expect(problems("timestamp('\(text)') == time").count == 1, "\(text)")
    }

    @Test(arguments: ["8x", "8", "", "s", "1s2", "-", "1.s.", "1e3s", "999999999999h"])
    func textsThatAreNoDurationsAreRefusedWhenChecked(_ text: String) throws {
        let found = problems("cpuTemperature(duration('\(text)')) > 1.0")
        let problem = try #require(found.first)
        #expect(found.count == 1)
        #expect(problem.span == SourceSpan(start: 24, end: 26 + text.utf8.count))
    }
}
