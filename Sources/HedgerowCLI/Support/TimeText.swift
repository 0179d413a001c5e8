import Components
import Expressions
import FoundationEssentials
import SwiftProtobuf

/// Times as the command line reads and writes them.
enum TimeText {
    /// An instant as the protocol has it.
    typealias Instant = Google_Protobuf_Timestamp

    /// RFC 3339 in UTC with milliseconds: `2026-05-04T10:30:00.125Z`; nil where there is no time.
    static func milliseconds(_ time: Google_Protobuf_Timestamp?) -> String? {
        time.map { text($0, digits: 3) }
    }

    /// RFC 3339 in UTC with as many digits as the time has: none, 3, 6 or 9.
    static func exact(_ time: Google_Protobuf_Timestamp) -> String {
        let digits =
            switch time.nanos {
            case 0: 0
            case let nanos where nanos % 1_000_000 == 0: 3
            case let nanos where nanos % 1_000 == 0: 6
            default: 9
            }
        return text(time, digits: digits)
    }

    private static func text(_ time: Google_Protobuf_Timestamp, digits: Int) -> String {
        let days = time.seconds.flooredQuotient(86_400)
        let second = Int(time.seconds - days * 86_400)
        let date = CivilDate(daysSince1970: days)
        var text = "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
        text += "T\(padded(second / 3_600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))"
        if digits > 0 {
            var nanos = Int(time.nanos)
            for _ in digits..<9 { nanos /= 10 }
            text += ".\(padded(nanos, digits))"
        }
        return text + "Z"
    }

    /// Reads an instant: `now`, a span ago (`10m`, `7d`), a day (`2026-05-04`, midnight UTC), or RFC 3339 with
    /// `Z` or an offset.
    static func parse(_ text: String, now: Date) -> Google_Protobuf_Timestamp? {
        if text == "now" { return timestamp(now.timeIntervalSince1970) }
        if let span = try? TimeSpan(parsing: text) {
            return timestamp(now.timeIntervalSince1970 - Double(span.milliseconds) / 1_000)
        }
        return rfc3339(text)
    }

    private static func timestamp(_ seconds: Double) -> Google_Protobuf_Timestamp {
        let whole = seconds.rounded(.down)
        return Google_Protobuf_Timestamp(
            seconds: Int64(whole), nanos: Int32((seconds - whole) * 1_000_000) * 1_000)
    }

    private static func rfc3339(_ text: String) -> Google_Protobuf_Timestamp? {
        let pattern =
            /(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?([Zz]|[+-]\d\d:\d\d))?/
            .asciiOnlyDigits()
        guard let match = text.wholeMatch(of: pattern)?.output, let year = Int(match.1),
            let month = Int(match.2), let day = Int(match.3), (1...12).contains(month), year >= 1,
            (1...CivilDate.days(inMonth: month, ofYear: year)).contains(day)
        else { return nil }
        let days = CivilDate(year: year, month: month, day: day).daysSince1970
        let hour = match.4.flatMap { Int64($0) } ?? 0
        let minute = match.5.flatMap { Int64($0) } ?? 0
        let second = (match.6 ?? nil).flatMap { Int64($0) } ?? 0
        guard hour < 24, minute < 60, second < 60 else { return nil }
        var offset: Int64 = 0
        if let zone = match.8, zone.lowercased() != "z" {
            let parts = zone.dropFirst().split(separator: ":").compactMap { Int64($0) }
            guard parts.count == 2, parts[0] < 24, parts[1] < 60 else { return nil }
            offset = (parts[0] * 3_600 + parts[1] * 60) * (zone.hasPrefix("-") ? -1 : 1)
        }
        let fraction = (match.7 ?? nil).map(String.init) ?? ""
        let nanos = Int32(fraction + String(repeating: "0", count: 9 - fraction.count)) ?? 0
        return Google_Protobuf_Timestamp(
            seconds: days * 86_400 + hour * 3_600 + minute * 60 + second - offset, nanos: nanos)
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
