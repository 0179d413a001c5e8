/// A span of time, as people write it: `90s`, `15m`, `12h`, `7d`, `1d12h`.
public struct TimeSpan: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    /// Milliseconds.
    public let milliseconds: Int64

    /// Makes a span of so many milliseconds.
    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// Makes a span of so many seconds.
    public static func seconds(_ count: Int64) -> TimeSpan { TimeSpan(milliseconds: count * 1_000) }

    /// Makes a span of so many hours.
    public static func hours(_ count: Int64) -> TimeSpan { .seconds(count * 3_600) }

    /// Makes a span of so many days of 24 hours.
    public static func days(_ count: Int64) -> TimeSpan { .hours(count * 24) }

    /// The same as a `Duration`.
    public var duration: Duration { .milliseconds(milliseconds) }

    /// Reads a span: whole numbers with the units `w`, `d`, `h`, `m`, `s` and `ms`, each at most once and
    /// the larger before the smaller.
    ///
    /// - Throws: ``InvalidTimeSpan`` for anything else, a number without a unit included, and for what does
    ///   not fit 63 bits of milliseconds.
    public init(parsing text: String) throws(InvalidTimeSpan) {
        var rest = Substring(text)
        var total: Int64 = 0
        var smallest = Int64.max
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(unit.count)
            guard let count = Int64(digits), let factor = Self.factors[String(unit)], factor < smallest else {
                throw InvalidTimeSpan(text: text)
            }
            smallest = factor
            let (part, tooLong) = count.multipliedReportingOverflow(by: factor)
            let (sum, overflow) = total.addingReportingOverflow(part)
            if tooLong || overflow { throw InvalidTimeSpan(text: text) }
            total = sum
        }
        if text.isEmpty { throw InvalidTimeSpan(text: text) }
        self.milliseconds = total
    }

    private static let units: [(String, Int64)] = [
        ("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
    ]

    private static let factors = Dictionary(uniqueKeysWithValues: units)

    /// The shortest exact form without weeks: `7d`, `1d12h`, `0s`.
    public var description: String {
        if milliseconds == 0 { return "0s" }
        var rest = milliseconds.magnitude
        var text = milliseconds < 0 ? "-" : ""
        for (unit, factor) in Self.units.dropFirst() where rest >= UInt64(factor) {
            text += "\(rest / UInt64(factor))\(unit)"
            rest %= UInt64(factor)
        }
        return text
    }

    /// Shorter spans come first.
    public static func < (first: TimeSpan, second: TimeSpan) -> Bool {
        first.milliseconds < second.milliseconds
    }
}
