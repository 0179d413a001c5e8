public import Transforms

/// What a component is: the recipe that an operator registers under a name and a version.
public struct Recipe: Hashable, Sendable {
    /// Component name, `[A-Za-z0-9._-]{1,128}`.
    public var name: String
    /// Version; what is registered under it never changes.
    public var version: SemanticVersion
    /// What it does, for people; empty where the recipe says nothing.
    public var description: String
    /// What it may ask its core for.
    public var access: HostAccess
    /// What it does with messages.
    public var transform: TransformDefinition

    /// Makes a recipe.
    public init(
        name: String, version: SemanticVersion, description: String = "", access: HostAccess = [],
        transform: TransformDefinition
    ) {
        self.name = name
        self.version = version
        self.description = description
        self.access = access
        self.transform = transform
    }
}
