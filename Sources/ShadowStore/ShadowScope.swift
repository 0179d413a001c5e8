public import Shadows

/// Which shadows are meant.
public enum ShadowScope: Hashable, Sendable {
    /// All that there are.
    case all
    /// All of a thing, the classic one and the named ones.
    case thing(String)
    /// One.
    case shadow(ShadowKey)

    /// Whether a shadow is meant.
    public func contains(_ key: ShadowKey) -> Bool {
        switch self {
        case .all: true
        case .thing(let thing): thing == key.thing
        case .shadow(let shadow): shadow == key
        }
    }
}
