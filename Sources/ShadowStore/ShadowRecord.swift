public import Shadows

/// A shadow as it is stored.
public struct ShadowRecord: Sendable {
    /// Row of the shadow; the same for as long as it, or its tombstone, is kept.
    let id: Int64
    /// Which shadow.
    public let key: ShadowKey
    /// Number of its newest change.
    public let change: Int64
    /// What it is.
    public let shadow: StoredShadow
    /// On a core: whether the cloud has not confirmed it.
    public let isDirty: Bool
}
