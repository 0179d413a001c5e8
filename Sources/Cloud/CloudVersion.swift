/// The version of the cloud's program.
public enum CloudVersion {
    /// As in CHANGELOG.md.
    public static let current = "0.1.0"
}
