/// What a component instance was resolved to when a deployment was made. It is never resolved again.
public struct LockedComponent: Hashable, Sendable, Codable {
    /// Name of the instance.
    public var instance: String
    /// Name of the component.
    public var component: String
    /// The version that runs.
    public var version: SemanticVersion
    /// SHA-256 of the recipe's text, 32 bytes.
    public var recipeDigest: [UInt8]
    /// Whether the group does not name the instance: a dependency brought it.
    public var isAdded: Bool
    /// Every file that the recipe names, on whichever platform.
    public var artifacts: [ArtifactReference]

    /// Makes an entry of a lock.
    public init(
        instance: String, component: String, version: SemanticVersion, recipeDigest: [UInt8],
        isAdded: Bool = false, artifacts: [ArtifactReference] = []
    ) {
        self.instance = instance
        self.component = component
        self.version = version
        self.recipeDigest = recipeDigest
        self.isAdded = isAdded
        self.artifacts = artifacts
    }
}
