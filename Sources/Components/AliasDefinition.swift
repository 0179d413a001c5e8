/// What an operator says about an alias of a component in a file of `kind: Alias`.
public struct AliasDefinition: Hashable, Sendable {
    /// Name of the component.
    public var component: String
    /// Name of the alias, without `@`; valid by the rule for names.
    public var name: String
    /// The version that it points at.
    public var version: SemanticVersion

    /// Makes a definition.
    public init(component: String, name: String, version: SemanticVersion) {
        self.component = component
        self.name = name
        self.version = version
    }

    /// What differs from where the alias pointed; empty where that is the same version.
    ///
    /// - Parameter old: nil where the alias is new.
    public func differences(from old: SemanticVersion?) -> [Difference] {
        Difference.between(old?.description ?? "", version.description, in: "version")
    }
}
