import Foundation

/// Reads the times that recordings have: ISO 8601 (`T` or a space, fractions, `Z` or an offset, UTC where
/// neither is there) and seconds or milliseconds since 1970.
enum RecordedTime {
    /// Numbers from here on are milliseconds: as seconds they would lie beyond the year 5138.
    private static let leastMilliseconds = 100_000_000_000.0

    static func parse(_ text: String) -> Date? {
        let text = text.trimmingCharacters(in: .whitespaces)
        if let number = Double(text) {
            guard number.isFinite, abs(number) < leastMilliseconds * 1_000 else { return nil }
            return Date(timeIntervalSince1970: abs(number) >= leastMilliseconds ? number / 1_000 : number)
        }
        return parseISO(Array(text.utf8))
    }

    private static func parseISO(_ text: [UInt8]) -> Date? {
        var rest = text[...]
        func digits(_ count: Int) -> Int? {
            guard rest.count >= count else { return nil }
            var value = 0
            for byte in rest.prefix(count) {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                value = value * 10 + Int(byte - UInt8(ascii: "0"))
            }
            rest = rest.dropFirst(count)
            return value
        }
        func skip(_ characters: String) -> Bool {
            guard let first = rest.first, characters.utf8.contains(first) else { return false }
            rest = rest.dropFirst()
            return true
        }
        guard let year = digits(4), skip("-"), let month = digits(2), skip("-"), let day = digits(2),
            (1...12).contains(month), (1...daysInMonth(month, year: year)).contains(day)
        else { return nil }
        var seconds = 0.0
        if skip("Tt ") {
            guard let hour = digits(2), skip(":"), let minute = digits(2), hour < 24, minute < 60 else {
                return nil
            }
            seconds = Double(hour * 3_600 + minute * 60)
            if skip(":") {
                guard let second = digits(2), second < 61 else { return nil }
                seconds += Double(second)
                if skip(".,") {
                    var scale = 0.1
                    var any = false
                    while let digit = digits(1) {
                        seconds += Double(digit) * scale
                        scale /= 10
                        any = true
                    }
                    if !any { return nil }
                }
            }
        }
        var offset = 0
        if skip("Zz") {
        } else if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
            rest = rest.dropFirst()
            guard let hours = digits(2), hours < 24 else { return nil }
            _ = skip(":")
            let minutes = rest.isEmpty ? 0 : digits(2)
            guard let minutes, minutes < 60 else { return nil }
            offset = (hours * 3_600 + minutes * 60) * (sign == UInt8(ascii: "-") ? -1 : 1)
        }
        guard rest.isEmpty else { return nil }
        let days = daysSinceEpoch(year: year, month: month, day: day)
        return Date(timeIntervalSince1970: Double(days) * 86_400 + seconds - Double(offset))
    }

    private static func daysInMonth(_ month: Int, year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from 1970-01-01 in the Gregorian calendar (Howard Hinnant, days_from_civil).
    private static func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
