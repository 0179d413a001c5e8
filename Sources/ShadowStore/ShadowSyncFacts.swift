/// What one side knows of the sync of a shadow.
public struct ShadowSyncFacts: Hashable, Sendable {
    /// In the cloud: the core that it was synced with last; nil on a core, and where it never was.
    public let core: String?
    /// When both sides were the same last, microseconds since 1970; nil where they never were.
    public let syncTime: Int64?
    /// Whether this side has something that the other has not confirmed.
    public let isPending: Bool
    /// Why it cannot be synced.
    public let problem: String?
}
