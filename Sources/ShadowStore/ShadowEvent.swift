public import Shadows

/// Something that happened to a shadow, for those who follow.
public struct ShadowEvent: Sendable {
    /// Which shadow.
    public let key: ShadowKey
    /// Number of the change.
    public let change: Int64
    /// What it is then.
    public let shadow: StoredShadow
    /// What happened.
    public let kind: Kind

    /// What can happen.
    public enum Kind: Sendable {
        /// It is so when somebody begins to follow.
        case present
        /// It was changed.
        case changed(ShadowStep)
        /// Changes before this are not kept any more; what it is now takes their place.
        case skipped(acceptedText: String)
    }
}
