/// One step of a transform, as written (architecture, section 5).
public enum TransformStep: Hashable, Sendable {
    /// `where`: goes on with those messages for which the expression is true, drops the others.
    case filter(ExpressionText)
    /// `let`: gives names to values. All entries see the values from before the step.
    case bind([LetBinding])
    /// `set`: gives fields values. All entries see the values from before the step.
    case set([FieldAssignment])
    /// `keep`: removes every field but these.
    case keep([String])
    /// `drop`: removes these fields.
    case drop([String])
    /// `shadow`: changes a shadow of the message's thing by the message, as it is now. Further steps may follow.
    case shadow(ShadowStep)
    /// `publish`: sends the message, as it is now, out under a topic. Further steps may follow.
    case publish(PublishTopic)

    /// What recipes call the step.
    public var keyword: String {
        switch self {
        case .filter: "where"
        case .bind: "let"
        case .set: "set"
        case .keep: "keep"
        case .drop: "drop"
        case .shadow: "shadow"
        case .publish: "publish"
        }
    }
}
