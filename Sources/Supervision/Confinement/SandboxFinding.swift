/// Whether this machine can put programs into a sandbox.
public enum SandboxFinding: Hashable, Sendable {
    /// By bubblewrap, which was tried; its version.
    case bubblewrap(version: String)
    /// Not, and why.
    case absent(reason: String)
}
