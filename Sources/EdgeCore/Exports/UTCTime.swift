import Expressions

/// An instant in UTC by the Gregorian calendar, without a calendar library: it is written on every line of an export.
struct UTCTime {
    private let date: CivilDate
    /// Second of the day.
    private let second: Int64
    private let microsecond: Int64

    /// Takes microseconds since 1970.
    init(_ microseconds: Int64) {
        let seconds = microseconds.flooredQuotient(1_000_000)
        microsecond = microseconds - seconds * 1_000_000
        let days = seconds.flooredQuotient(86_400)
        second = seconds - days * 86_400
        date = CivilDate(daysSince1970: days)
    }

    /// RFC 3339 with microseconds: `2026-05-04T10:30:00.125000Z`.
    var text: String {
        "\(padded(Int64(date.year), 4))-\(padded(Int64(date.month), 2))-\(padded(Int64(date.day), 2))T\(padded(second / 3_600, 2)):"
            + "\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2)).\(padded(microsecond, 6))Z"
    }

    /// For names of files: `20260504T103000Z`.
    var compact: String {
        "\(padded(Int64(date.year), 4))\(padded(Int64(date.month), 2))\(padded(Int64(date.day), 2))T\(padded(second / 3_600, 2))"
            + "\(padded(second / 60 % 60, 2))\(padded(second % 60, 2))Z"
    }

    private func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
