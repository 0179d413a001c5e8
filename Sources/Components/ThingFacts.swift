/// What a selector looks at: a registered thing.
public struct ThingFacts: Hashable, Sendable {
    /// Its name.
    public var name: String
    /// Name of its type; empty where it has none.
    public var type: String
    /// Its attributes.
    public var attributes: [String: String]

    /// Makes the facts.
    public init(name: String, type: String = "", attributes: [String: String] = [:]) {
        self.name = name
        self.type = type
        self.attributes = attributes
    }
}
