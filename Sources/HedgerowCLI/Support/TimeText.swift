import Components
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
        let days = floorDivide(time.seconds, 86_400)
        let second = Int(time.seconds - days * 86_400)
        let (year, month, day) = civil(days)
        var text = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
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
        guard let match = text.wholeMatch(of: pattern)?.output, let year = Int64(match.1),
            let month = Int64(match.2),
            let day = Int64(match.3), (1...12).contains(month), year >= 1
        else { return nil }
        let days = daysFromCivil(year, month, day)
        guard civil(days) == (Int(year), Int(month), Int(day)) else { return nil }
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

    // MARK: The proleptic Gregorian calendar (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms")

    private static func civil(_ days: Int64) -> (Int, Int, Int) {
        let shifted = days + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let part = (5 * dayOfYear + 2) / 153
        let month = part < 10 ? part + 3 : part - 9
        return (
            Int(yearOfEra + era * 400 + (month <= 2 ? 1 : 0)), Int(month),
            Int(dayOfYear - (153 * part + 2) / 5 + 1)
        )
    }

    private static func daysFromCivil(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = floorDivide(year, 400)
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func floorDivide(_ number: Int64, _ divisor: Int64) -> Int64 {
        number >= 0 ? number / divisor : -((-number + divisor - 1) / divisor)
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
