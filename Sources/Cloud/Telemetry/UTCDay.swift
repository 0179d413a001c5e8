import Expressions

/// Days of the proleptic Gregorian calendar in UTC.
enum UTCDay {
    /// The day of an instant in microseconds since 1970, `YYYY-MM-DD`.
    static func text(of microseconds: Int64) -> String {
        let date = CivilDate(daysSince1970: microseconds.flooredQuotient(86_400_000_000))
        return "\(pad(date.year, 4))-\(pad(date.month, 2))-\(pad(date.day, 2))"
    }

    private static func pad(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
