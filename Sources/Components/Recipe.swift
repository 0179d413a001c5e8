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
    public var access: ComponentAccess
    /// What it does with messages.
    public var work: RecipeWork
    /// What instances run with where they say nothing else; at most 32 KiB as JSON.
    public var configuration: [String: ConfigurationValue]
    /// Components that it needs beside it, in no order; at most 64, each named once.
    public var dependencies: [ComponentDependency]
    /// Platforms that it runs on, the first that matches counts; empty means every platform.
    public var platforms: [PlatformEntry]
    /// Files that it has on every platform.
    public var artifacts: [ArtifactReference]

    /// Makes a recipe.
    public init(
        name: String, version: SemanticVersion, description: String = "",
        access: ComponentAccess = ComponentAccess(), work: RecipeWork,
        configuration: [String: ConfigurationValue] = [:], dependencies: [ComponentDependency] = [],
        platforms: [PlatformEntry] = [], artifacts: [ArtifactReference] = []
    ) {
        self.name = name
        self.version = version
        self.description = description
        self.access = access
        self.work = work
        self.configuration = configuration
        self.dependencies = dependencies
        self.platforms = platforms
        self.artifacts = artifacts
    }

    /// Its steps; nil where it is a process.
    public var transform: TransformDefinition? {
        if case .transform(let definition) = work { definition } else { nil }
    }

    /// Its program; nil where it is a transform.
    public var process: ProcessDefinition? {
        if case .process(let definition) = work { definition } else { nil }
    }
}
