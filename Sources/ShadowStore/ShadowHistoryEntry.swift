public import Shadows

/// What a shadow was.
public struct ShadowHistoryEntry: Sendable {
    /// Number of the change that made it so.
    public let change: Int64
    /// What it was.
    public let shadow: StoredShadow
    /// Who did it.
    public let author: String
}
