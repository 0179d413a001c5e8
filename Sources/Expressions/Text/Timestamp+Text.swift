extension Timestamp {
    /// Reads a timestamp of RFC 3339, such as `2009-02-13T23:31:30Z` or `2009-02-13T23:31:30.5+01:00`.
    ///
    /// - Throws: an error that says what a timestamp looks like.
    static func parse(_ text: String) throws(EvaluationError) -> Timestamp {
        let invalid = EvaluationError.invalid(
            "\"\(text.printable)\" is no timestamp: write date, time and zone, such as \"2026-05-01T12:00:00Z\" "
                + "or \"2026-05-01T14:00:00+02:00\"")
        let bytes = Array(text.utf8.prefix(64))
        guard bytes.count >= 20, text.utf8.count <= 64 else { throw invalid }
        func number(_ start: Int, _ count: Int) -> Int? {
            var result = 0
            for byte in bytes[start..<(start + count)] {
                guard byte.isDigit else { return nil }
                result = result * 10 + Int(byte - UInt8(ascii: "0"))
            }
            return result
        }
        func isMark(_ mark: Unicode.Scalar, at position: Int) -> Bool {
            bytes[position] == UInt8(ascii: mark)
        }
        guard let year = number(0, 4), isMark("-", at: 4), let month = number(5, 2), isMark("-", at: 7),
            let day = number(8, 2), isMark("T", at: 10), let hour = number(11, 2), isMark(":", at: 13),
            let minute = number(14, 2), isMark(":", at: 16), let second = number(17, 2)
        else { throw invalid }
        var position = 19
        var nanoseconds: Int32 = 0
        if isMark(".", at: position) {
            position += 1
            var place: Int32 = 100_000_000
            let start = position
            while position < bytes.count, bytes[position].isDigit {
                nanoseconds += Int32(bytes[position] - UInt8(ascii: "0")) * place
                place /= 10
                position += 1
            }
            if position == start { throw invalid }
        }
        guard (1...12).contains(month), day >= 1, day <= CivilDate.days(inMonth: month, ofYear: year),
            hour < 24, minute < 60, second < 60, position < bytes.count
        else { throw invalid }
        var offset = 0
        if isMark("Z", at: position) {
            guard position == bytes.count - 1 else { throw invalid }
        } else {
            guard isMark("+", at: position) || isMark("-", at: position), bytes.count == position + 6,
                let hours = number(position + 1, 2), isMark(":", at: position + 3),
                let minutes = number(position + 4, 2), hours < 24, minutes < 60
            else { throw invalid }
            offset = (hours * 3_600 + minutes * 60) * (isMark("-", at: position) ? -1 : 1)
        }
        let days = CivilDate(year: year, month: month, day: day).daysSince1970
        let seconds = days * 86_400 + Int64(hour * 3_600 + minute * 60 + second - offset)
        guard let time = Timestamp(seconds: seconds, nanoseconds: nanoseconds) else { throw .timestampRange }
        return time
    }

    /// RFC 3339 in UTC, with a fraction where there is one.
    var text: String {
        let day = seconds.flooredQuotient(86_400)
        let date = CivilDate(daysSince1970: day)
        let rest = seconds - day * 86_400
        return padded(Int64(date.year), 4) + "-" + padded(Int64(date.month), 2) + "-"
            + padded(Int64(date.day), 2)
            + "T" + padded(rest / 3_600, 2) + ":" + padded(rest / 60 % 60, 2) + ":" + padded(rest % 60, 2)
            + Self.fraction(UInt64(nanoseconds)) + "Z"
    }

    /// `.5` for half a second; nothing for none.
    static func fraction(_ nanoseconds: UInt64) -> String {
        if nanoseconds == 0 { return "" }
        var digits = String(nanoseconds + 1_000_000_000).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return "." + digits
    }

    private func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    /// The time some nanoseconds later.
    func advanced(by span: Int64) throws(EvaluationError) -> Timestamp {
        let (quotient, remainder) = span.quotientAndRemainder(dividingBy: 1_000_000_000)
        let sum = Int64(nanoseconds) + remainder
        let carry = sum.flooredQuotient(1_000_000_000)
        guard
            let time = Timestamp(
                seconds: seconds + quotient + carry, nanoseconds: Int32(sum - carry * 1_000_000_000))
        else { throw .timestampRange }
        return time
    }

    /// The time some nanoseconds earlier.
    func retreated(by span: Int64) throws(EvaluationError) -> Timestamp {
        // The negative of the smallest number does not exist; in two steps it does.
        if span == .min { return try advanced(by: .max).advanced(by: 1) }
        return try advanced(by: -span)
    }

    /// The time from another to this.
    func since(_ other: Timestamp) throws(EvaluationError) -> TimeSpan {
        let (product, overflows) = (seconds - other.seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, exceeds) = product.addingReportingOverflow(Int64(nanoseconds) - Int64(other.nanoseconds))
        if overflows || exceeds { throw .overflow("duration") }
        return TimeSpan(nanoseconds: sum)
    }
}

extension Int64 {
    /// The quotient rounded down.
    package func flooredQuotient(_ divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
