/// The topic of a `publish` step.
public enum PublishTopic: Hashable, Sendable {
    /// The same for every message. Without wildcards and not reserved (`$…`).
    case literal(String)
    /// A text that an expression makes of each message.
    case computed(ExpressionText)
}
