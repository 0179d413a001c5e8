import FoundationEssentials

/// Times as the database keeps them: whole milliseconds since 1970 (UTC).
extension Date {
    /// Milliseconds since 1970, rounded towards the past.
    var milliseconds: Int64 { Int64((timeIntervalSince1970 * 1000).rounded(.down)) }

    /// The time so many milliseconds after 1970.
    init(milliseconds: Int64) {
        self.init(timeIntervalSince1970: Double(milliseconds) / 1000)
    }

    /// The time a duration later.
    func adding(_ duration: Duration) -> Date { addingTimeInterval(duration.seconds) }
}

extension Duration {
    /// The duration in seconds.
    var seconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }

    /// A number of days of 24 hours.
    static func days(_ count: Int) -> Duration { .seconds(count * 86_400) }

    /// A number of hours.
    static func hours(_ count: Int) -> Duration { .seconds(count * 3_600) }

    /// A number of minutes.
    static func minutes(_ count: Int) -> Duration { .seconds(count * 60) }
}
