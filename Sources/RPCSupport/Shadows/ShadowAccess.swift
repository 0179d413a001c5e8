/// What a request wants of a thing's shadows.
public struct ShadowAccess: Hashable, Sendable {
    /// Reading or changing.
    public enum Kind: Hashable, Sendable {
        /// Reads, lists, follows.
        case read
        /// Changes.
        case write
    }

    /// Reading or changing.
    public let kind: Kind
    /// The thing as the request names it; empty where it names none.
    public let thing: String
    /// Whether a request that names none may mean all things.
    public let mayMeanAll: Bool

    init(_ kind: Kind, thing: String, mayMeanAll: Bool = false) {
        self.kind = kind
        self.thing = thing
        self.mayMeanAll = mayMeanAll
    }
}
