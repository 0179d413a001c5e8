public import Shadows

/// A change of a shadow that a transaction made.
public struct AppliedShadow: Sendable {
    /// Which shadow.
    public let key: ShadowKey
    /// Number of the change in this database.
    public let number: Int64
    /// What it was and is.
    public let step: ShadowStep
    /// Who did it.
    public let author: String
}
