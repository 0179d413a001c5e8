public import HedgerowAPI

/// What can go wrong for a thing. Each description is a sentence or two for people: what, where, what to do.
///
/// Losing the line is not among them: a thing reconnects by itself and says so in its events.
public enum ThingError: Error, Sendable, CustomStringConvertible {
    /// The configuration cannot work (an empty buffer, no token and no identity, …).
    case invalidConfiguration(String)
    /// The message or filter breaks a rule; nothing was buffered.
    case invalidMessage(String)
    /// The cloud will not enrol this thing; retrying does not help.
    case enrollmentRefused(String)
    /// The state directory cannot be used.
    case stateUnusable(String)
    /// Another process with this thing's identity publishes on the same stream; this one has ended.
    case superseded(String)
    /// A server refused a message for ever.
    case rejected(reason: Hedgerow_Type_V1_ErrorReason, detail: String, count: UInt64)
    /// The message fell out of the full buffer before a server had it.
    case dropped(sequence: UInt64)
    /// Not everything was acknowledged in time.
    case notAcknowledged(count: UInt64, of: UInt64, after: Duration, lastProblem: String?)
    /// A server refused what was asked for about a shadow; nothing was changed.
    case shadowRefused(reason: Hedgerow_Type_V1_ErrorReason, detail: String)
    /// The line broke before a server said what became of a change of a shadow that is sent once: it may have been made.
    case shadowUnanswered(problem: String)
    /// The thing was closed or its `run()` has ended.
    case closed

    /// What happened and what to do.
    public var description: String {
        switch self {
        case .invalidConfiguration(let text), .invalidMessage(let text), .enrollmentRefused(let text),
            .stateUnusable(let text), .superseded(let text):
            text
        case .rejected(let reason, let detail, let count):
            "\(count) message\(count == 1 ? " was" : "s were") refused for ever (\(reason)): \(detail)"
        case .dropped(let sequence):
            "Message \(sequence) fell out of the full buffer before a server had it; it is declared lost."
        case .notAcknowledged(let count, let total, let time, let problem):
            "\(count) of \(total) messages were not acknowledged within \(time)"
                + (problem.map { "; the last problem was: \($0)" } ?? "") + "."
        case .shadowRefused(_, let detail): detail
        case .shadowUnanswered(let problem):
            "It is not known whether the shadow was changed, because \(problem); look at it and decide anew."
        case .closed:
            "The thing is closed; publish and subscribe while its run() is running."
        }
    }
}
