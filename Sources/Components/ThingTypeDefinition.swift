/// What an operator says about a type of things in a file of `kind: ThingType`.
public struct ThingTypeDefinition: Hashable, Sendable {
    /// Name, valid by the rule for names.
    public var name: String
    /// What things of the type are, for people.
    public var description: String
    /// What each attribute that things of the type may have means; where there is none, they may have any.
    public var attributes: [String: String]

    /// Makes a definition.
    public init(name: String, description: String = "", attributes: [String: String] = [:]) {
        self.name = name
        self.description = description
        self.attributes = attributes
    }

    /// What differs from another state of the type; empty exactly where both mean the same.
    ///
    /// - Parameter old: nil where the type is new.
    public func differences(from old: ThingTypeDefinition?) -> [Difference] {
        Difference.between(old?.description ?? "", description, in: "description")
            + Difference.between(old?.attributes ?? [:], attributes, in: "attributes")
    }
}
