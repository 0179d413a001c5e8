/// A command that begins, does something and ends with code 0.
public struct ProgramHook: Hashable, Sendable {
    /// The command and its arguments, at least one.
    public var arguments: [String]
    /// How long it may take; then it is killed, which is an error.
    public var timeout: Duration

    /// Makes a hook.
    public init(_ arguments: [String], timeout: Duration) {
        self.arguments = arguments
        self.timeout = timeout
    }
}
