/// A command as it is given to the system, with everything that confines it put before.
struct ProgramLaunch: Hashable, Sendable {
    /// Absolute path of what is executed first.
    let executable: String
    /// Its arguments.
    let arguments: [String]
    /// All of the environment.
    let environment: [String: String]
    /// Where it begins.
    let directory: String
    /// Whether bubblewrap stands between; then its own process gets no SIGTERM, which would be the sandbox's
    /// SIGKILL.
    let isSandboxed: Bool
}
