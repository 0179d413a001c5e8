/// Whether a program needs a sandbox, as recipes write it.
public enum SandboxNeed: String, Hashable, Sendable, CaseIterable {
    /// A core that has none does not run it.
    case required
    /// It runs in a sandbox where the core has one, and without where it has none.
    case preferred
    /// It runs without.
    case off = "none"
}
