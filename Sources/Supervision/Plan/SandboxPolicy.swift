/// Whether a program runs in a sandbox.
public enum SandboxPolicy: Hashable, Sendable {
    /// It does not run without one.
    case required
    /// In one where this machine has it, else without, and that is said.
    case preferred
    /// Without one, as the core's own user.
    case off
}
