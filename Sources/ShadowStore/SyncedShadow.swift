public import Shadows

/// A shadow as the cloud has it, for a core.
public struct SyncedShadow: Sendable {
    /// Which shadow.
    public let key: ShadowKey
    /// Number of its newest change in the cloud.
    public let change: Int64
    /// What it is.
    public let shadow: StoredShadow
    /// The newest document of the asking core that is part of it, as the core had it.
    public let coreVersion: ShadowVersion?

    /// Makes one.
    public init(key: ShadowKey, change: Int64, shadow: StoredShadow, coreVersion: ShadowVersion?) {
        self.key = key
        self.change = change
        self.shadow = shadow
        self.coreVersion = coreVersion
    }
}
