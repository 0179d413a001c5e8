extension TimeSpan {
    /// Reads a duration: one or more numbers with units, such as `8s`, `1m30s`, `-1.5h`, `500ms`.
    ///
    /// - Throws: an error that says what a duration looks like.
    static func parse(_ text: String) throws(EvaluationError) -> TimeSpan {
        var rest = Substring(text)
        var isNegative = false
        if let sign = rest.first, sign == "-" || sign == "+" {
            isNegative = sign == "-"
            rest.removeFirst()
        }
        if rest == "0" { return TimeSpan(nanoseconds: 0) }
        let invalid = EvaluationError.invalid(
            "\"\(text.printable)\" is no duration: write numbers with units h, m, s, ms, us or ns, "
                + "such as \"8s\", \"1m30s\" or \"500ms\"")
        if rest.isEmpty || text.utf8.count > 128 { throw invalid }
        // Summed below zero, where the range is one larger.
        var total: Int64 = 0
        while !rest.isEmpty {
            let whole = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(whole.count)
            var fraction: Substring = ""
            if rest.first == "." {
                rest = rest.dropFirst()
                fraction = rest.prefix { $0.isASCII && $0.isNumber }
                rest = rest.dropFirst(fraction.count)
            }
            if whole.isEmpty, fraction.isEmpty { throw invalid }
            let unit = rest.prefix { !($0.isASCII && ($0.isNumber || $0 == ".")) }
            rest = rest.dropFirst(unit.count)
            guard let scale = scale(of: unit) else { throw invalid }
            guard let number = Int64(whole.isEmpty ? "0" : whole) else { throw range(text) }
            let (product, overflows) = number.multipliedReportingOverflow(by: scale)
            let (sum, exceeds) = total.subtractingReportingOverflow(product)
            let (all, passes) = sum.subtractingReportingOverflow(part(fraction, of: scale))
            if overflows || exceeds || passes { throw range(text) }
            total = all
        }
        if isNegative { return TimeSpan(nanoseconds: total) }
        if total == .min { throw range(text) }
        return TimeSpan(nanoseconds: -total)
    }

    /// Seconds, with a fraction where there is one, and `s`: `1.5s`.
    var text: String {
        let seconds = nanoseconds.magnitude / 1_000_000_000
        let rest = nanoseconds.magnitude % 1_000_000_000
        return (nanoseconds < 0 ? "-" : "") + "\(seconds)" + Timestamp.fraction(rest) + "s"
    }

    /// The nanoseconds of a unit.
    private static func scale(of unit: Substring) -> Int64? {
        switch unit {
        case "h": 3_600_000_000_000
        case "m": 60_000_000_000
        case "s": 1_000_000_000
        case "ms": 1_000_000
        case "us", "µs", "μs": 1_000
        case "ns": 1
        default: nil
        }
    }

    /// A decimal fraction of a unit, in whole nanoseconds, cut.
    private static func part(_ digits: Substring, of scale: Int64) -> Int64 {
        var result: Int64 = 0
        var place = scale
        for digit in digits.utf8.prefix(20) {
            // A place that ten does not divide (0.36 ns) counts by what its digit makes of it, cut.
            let value = Int64(digit - UInt8(ascii: "0"))
            let (quotient, remainder) = place.quotientAndRemainder(dividingBy: 10)
            result += value * quotient + value * remainder / 10
            place = quotient
        }
        return result
    }

    private static func range(_ text: String) -> EvaluationError {
        .range("the duration \"\(text.printable)\" is out of range: at most about 292 years either way")
    }
}
