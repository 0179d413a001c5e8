import Logging

/// Folds warnings and errors that repeat: one record for each cause and minute, the next one with the number of those
/// that were left out as `repeated`.
///
/// A cause is the logger, the level, the message and what the metadata names, numbers, times and identities apart:
/// `sequence.last` of 7 and of 8 are one cause, `thing` of `press-1` and of `press-2` are two. Records below
/// warning pass: whoever asks for them wants them all. Bounded as ``OncePerMinute`` is.
final class RepeatedRecords: Sendable {
    /// The key under which the number of left-out records stands.
    static let countKey = "repeated"

    private let limiter: OncePerMinute

    init(limiter: OncePerMinute = OncePerMinute()) { self.limiter = limiter }

    /// How many records of the cause were left out since the last one that was written; nil where this one is to be
    /// left out, too.
    func admit(
        level: Logger.Level, label: String, message: String, fields: [(key: String, value: String)]
    ) -> Int? {
        guard level >= .warning else { return 0 }
        var cause = "\(level.rawValue) \(label) \(message)"
        for (key, value) in fields where !Self.isMeasure(value) && !Self.identities.contains(key) {
            cause += " \(key)=\(value)"
        }
        return limiter.admit(cause)
    }

    /// Keys whose values differ with each record of one cause.
    private static let identities: Set<String> = ["trace_id", "span_id", "error.id"]

    /// Whether a value is a number, a time, or a span of time.
    private static func isMeasure(_ value: String) -> Bool {
        guard let first = value.utf8.first, UInt8(ascii: "0")...UInt8(ascii: "9") ~= first || first == 0x2D
        else {
            return false
        }
        let marks = Set("0123456789.,:-+TZe µ".unicodeScalars)
        let rest = value.unicodeScalars.drop { marks.contains($0) }
        return rest.isEmpty || ["s", "ms", "µs", "ns", "seconds", "bytes"].contains(String(rest))
    }
}
