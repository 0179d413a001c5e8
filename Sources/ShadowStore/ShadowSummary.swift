public import Shadows

/// A shadow without its document.
public struct ShadowSummary: Sendable {
    /// Which shadow.
    public let key: ShadowKey
    /// Its version.
    public let version: UInt64
    /// When it was changed last, microseconds since 1970.
    public let updateTime: Int64
    /// Bytes of desired and reported.
    public let size: Int
    /// Whether desired and reported differ.
    public let hasDelta: Bool
    /// What is known of its sync.
    public let sync: ShadowSyncFacts
}
