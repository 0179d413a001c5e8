/// The version of the core's program.
public enum CoreVersion {
    /// As in CHANGELOG.md.
    public static let current = "0.1.0"
}
