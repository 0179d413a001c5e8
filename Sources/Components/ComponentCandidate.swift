/// A registered version of a component, as far as choosing one needs it.
public struct ComponentCandidate: Hashable, Sendable {
    /// The version.
    public let version: SemanticVersion
    /// SHA-256 of the recipe's text, 32 bytes.
    public let recipeDigest: [UInt8]

    /// Makes a candidate.
    public init(version: SemanticVersion, recipeDigest: [UInt8]) {
        self.version = version
        self.recipeDigest = recipeDigest
    }
}
