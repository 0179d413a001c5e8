/// A place in a shadow that both sides of a sync had changed differently since they were the same, and who won.
public struct ShadowConflict: Hashable, Sendable {
    /// A side of a sync.
    public enum Side: String, Hashable, Sendable {
        /// The core.
        case core
        /// The cloud.
        case cloud
    }

    /// Where: `desired` or `reported`, and the keys below, joined by `/`; empty for the shadow as a whole.
    public let path: String
    /// What both had; nil for nothing.
    public let base: JSONValue?
    /// What the core had; nil for nothing.
    public let coreValue: JSONValue?
    /// What the cloud had; nil for nothing.
    public let cloudValue: JSONValue?
    /// Whose value stands.
    public let winner: Side
    /// The rule, for people.
    public let rule: String
    /// Version on the core that was merged; 0 for none.
    public var coreVersion: UInt64
    /// Version in the cloud that was merged; 0 for none.
    public var cloudVersion: UInt64

    /// Makes a conflict.
    public init(
        path: String, base: JSONValue?, coreValue: JSONValue?, cloudValue: JSONValue?, winner: Side,
        rule: String, coreVersion: UInt64 = 0, cloudVersion: UInt64 = 0
    ) {
        self.path = path
        self.base = base
        self.coreValue = coreValue
        self.cloudValue = cloudValue
        self.winner = winner
        self.rule = rule
        self.coreVersion = coreVersion
        self.cloudVersion = cloudVersion
    }
}
