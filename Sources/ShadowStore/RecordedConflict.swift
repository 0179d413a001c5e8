/// A place in a shadow that both sides had changed since they were the same, and what was decided.
public struct RecordedConflict: Hashable, Sendable {
    /// Where: `desired` or `reported`, and the keys below, joined by `/`; empty for the shadow as a whole.
    public var path: String
    /// What both had, as JSON; empty for nothing.
    public var base: String
    /// What the core had, as JSON; empty for nothing.
    public var coreValue: String
    /// What the cloud had, as JSON; empty for nothing.
    public var cloudValue: String
    /// Who won: `core` or `cloud`.
    public var winner: String
    /// The rule, for people.
    public var rule: String
    /// The core that decided.
    public var core: String
    /// Version on the core that was merged.
    public var coreVersion: UInt64
    /// Version in the cloud that was merged.
    public var cloudVersion: UInt64
    /// When, microseconds since 1970 by the core's clock.
    public var decideTime: Int64

    /// Makes an entry.
    public init(
        path: String, base: String, coreValue: String, cloudValue: String, winner: String, rule: String,
        core: String, coreVersion: UInt64, cloudVersion: UInt64, decideTime: Int64
    ) {
        self.path = path
        self.base = base
        self.coreValue = coreValue
        self.cloudValue = cloudValue
        self.winner = winner
        self.rule = rule
        self.core = core
        self.coreVersion = coreVersion
        self.cloudVersion = cloudVersion
        self.decideTime = decideTime
    }
}
