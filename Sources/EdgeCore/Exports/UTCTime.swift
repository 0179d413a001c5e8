/// An instant in UTC by the Gregorian calendar, without a calendar library: it is written on every line of an export.
struct UTCTime {
    let year: Int64
    let month: Int64
    let day: Int64
    /// Second of the day.
    let second: Int64
    let microsecond: Int64

    /// Takes microseconds since 1970.
    init(_ microseconds: Int64) {
        func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
            let quotient = value / divisor
            return value % divisor < 0 ? quotient - 1 : quotient
        }
        let seconds = floorDivide(microseconds, 1_000_000)
        microsecond = microseconds - seconds * 1_000_000
        let days = floorDivide(seconds, 86_400)
        second = seconds - days * 86_400
        // Years that begin in March, in eras of 400, as in Howard Hinnant's civil_from_days.
        let shifted = days + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// RFC 3339 with microseconds: `2026-05-04T10:30:00.125000Z`.
    var text: String {
        "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T\(padded(second / 3_600, 2)):"
            + "\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2)).\(padded(microsecond, 6))Z"
    }

    /// For names of files: `20260504T103000Z`.
    var compact: String {
        "\(padded(year, 4))\(padded(month, 2))\(padded(day, 2))T\(padded(second / 3_600, 2))"
            + "\(padded(second / 60 % 60, 2))\(padded(second % 60, 2))Z"
    }

    private func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
