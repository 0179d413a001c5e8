/// A registered version of a component, as far as choosing one needs it.
public struct ComponentCandidate: Hashable, Sendable {
    /// The version.
    public let version: SemanticVersion
    /// SHA-256 of the recipe's text, 32 bytes.
    public let recipeDigest: [UInt8]
    /// Components that it needs beside it.
    public let dependencies: [ComponentDependency]
    /// Platforms that it runs on; empty means every platform.
    public let platforms: [PlatformEntry]
    /// Files that it has on every platform.
    public let artifacts: [ArtifactReference]
    /// Whether it should not be used any more: it is chosen only where nothing else fits.
    public var isDeprecated = false

    /// Makes a candidate.
    public init(
        version: SemanticVersion, recipeDigest: [UInt8], dependencies: [ComponentDependency] = [],
        platforms: [PlatformEntry] = [], artifacts: [ArtifactReference] = []
    ) {
        self.version = version
        self.recipeDigest = recipeDigest
        self.dependencies = dependencies
        self.platforms = platforms
        self.artifacts = artifacts
    }
}
