import Foundation
import SwiftProtobuf
import Testing

@testable import HedgerowCLI

@Suite("Times on the command line")
struct TimeTests {
    let now = Date(timeIntervalSince1970: 1_777_890_600)

    func parse(_ text: String) -> String? {
        TimeText.parse(text, now: now).map(TimeText.exact)
    }

    @Test(
        "are instants, days and spans ago",
        arguments: [
            ("now", "2026-05-04T10:30:00Z"), ("10m", "2026-05-04T10:20:00Z"), ("1d", "2026-05-03T10:30:00Z"),
            ("500ms", "2026-05-04T10:29:59.500Z"), ("2026-05-04", "2026-05-04T00:00:00Z"),
            ("2026-05-04T10:30:00Z", "2026-05-04T10:30:00Z"),
            ("2026-05-04T12:30:00+02:00", "2026-05-04T10:30:00Z"),
            ("2026-05-04T00:30:00.123456-01:30", "2026-05-04T02:00:00.123456Z"),
            ("2026-05-04 10:30Z", "2026-05-04T10:30:00Z"), ("2024-02-29", "2024-02-29T00:00:00Z"),
            ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500Z"), ("0001-01-01", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"),
        ])
    func reads(text: String, expected: String) {
        #expect(parse(text) == expected)
    }

    @Test(
        "are refused where they are none",
        arguments: [
            "", "yesterday", "10", "2026-13-01", "2026-02-29", "2026-00-10", "2026-05-04T25:00:00Z",
            "2026-05-04T10:30:00", "2026-05-04T10:60Z", "2026-5-4", "٢٠٢٦-٠٥-٠٤", "2026-05-04T10:30:00+99:00",
        ])
    func refuses(text: String) {
        #expect(parse(text) == nil)
    }

    @Test("agree with Foundation over the centuries of the Gregorian calendar")
    func calendar() {
        for days in stride(from: -140_000, through: 2_900_000, by: 997) {
            let seconds = days * 86_400 + days % 86_400
            let date = Date(timeIntervalSince1970: Double(seconds))
            #expect(
                TimeText.exact(Google_Protobuf_Timestamp(seconds: Int64(seconds)))
                    == date.formatted(Date.ISO8601FormatStyle()))
        }
    }

    @Test("are shown with milliseconds, cut and not rounded")
    func milliseconds() {
        let time = Google_Protobuf_Timestamp(seconds: 1_777_890_600, nanos: 999_999_999)
        #expect(TimeText.milliseconds(time) == "2026-05-04T10:30:00.999Z")
        #expect(TimeText.milliseconds(nil) == nil)
    }
}
