/// Times of shadows: microseconds since 1970 within, seconds in documents.
enum ShadowTime {
    /// Whole seconds, rounded down.
    static func seconds(_ microseconds: Int64) -> Int64 {
        let (quotient, remainder) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// How long a deleted shadow's version is remembered: 48 hours.
    static let tombstone: Int64 = 48 * 3_600 * 1_000_000
}
