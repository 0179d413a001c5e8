import Logging

/// Folds warnings and errors that repeat: one record for each cause and minute, the next one with the number of those
/// that were left out as `repeated`.
///
/// A cause is the logger, the level, the message and the metadata, apart from what measures or counts
/// (``measures``): `sequence.last` of 7 and of 8 are one cause, `core` of `1001` and of `1002` are two. Records below
/// warning pass: whoever asks for them wants them all. Bounded as ``OncePerMinute`` is; causes beyond are told apart by
/// logger and message alone.
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
        let place = "\(level.rawValue) \(label) \(message)"
        var cause = place
        for (key, value) in fields {
            let last = key.split(separator: ".").last.map(String.init) ?? key
            if !Self.measures.contains(last) { cause += " \(key)=\(value)" }
        }
        return limiter.admit(cause, overflow: place)
    }

    /// Last parts of the keys whose values differ with each record of one cause.
    static let measures: Set<String> = [
        "after", "ahead_seconds", "at", "behind", "bytes", "count", "dropped", "expires", "first", "id",
        "last",
        "limit", "maximum", "ms", "removed", "renew_time", "seconds", "span_id", "trace_id", "waited",
    ]
}
