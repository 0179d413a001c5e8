/// Limits of manifests (semantics, section 8).
public enum ManifestLimits {
    /// Most bytes of a file: 1 MiB.
    public static let bytes = 1 << 20
    /// Most bytes of a recipe: 256 KiB.
    public static let recipeBytes = 256 << 10
    /// Most bytes of a recipe's description: 4 KiB.
    public static let descriptionBytes = 4 << 10
    /// Deepest nesting of lists and mappings.
    public static let depth = 32
    /// Most documents of a file.
    public static let documents = 1_000
    /// Most errors that are reported at once.
    public static let errors = 200
}
