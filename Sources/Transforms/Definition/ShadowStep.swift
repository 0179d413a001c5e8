/// A `shadow` step: what it changes in a shadow of the message's thing.
public struct ShadowStep: Hashable, Sendable {
    /// What goes under `reported`.
    public enum Report: Hashable, Sendable {
        /// Every field of the reading, as it is.
        case reading
        /// These.
        case values([ShadowAssignment])
    }

    /// Name of the shadow, `[a-zA-Z0-9:_-]{1,64}`; empty for the classic one.
    public var name: String
    /// What goes under `reported`; nil for nothing.
    public var report: Report?
    /// What goes under `desired`; nil for nothing.
    public var desire: [ShadowAssignment]?

    /// Makes a step.
    public init(name: String = "", report: Report? = nil, desire: [ShadowAssignment]? = nil) {
        self.name = name
        self.report = report
        self.desire = desire
    }
}
