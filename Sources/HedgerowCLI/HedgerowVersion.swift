/// The version of the programs.
public enum HedgerowVersion {
    /// Semantic version.
    public static let current = "0.1.0"
}
