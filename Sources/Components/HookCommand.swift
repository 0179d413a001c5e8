/// A command of a hook, and how long it may take.
public struct HookCommand: Hashable, Sendable {
    /// Of ``timeout``: 100 ms to 1 hour.
    public static let timeouts = TimeSpan(milliseconds: 100)...TimeSpan.hours(1)

    /// What is executed.
    public var command: ProcessCommand
    /// How long it may take; it is ended and counts as failed after that.
    public var timeout: TimeSpan

    /// Makes a command.
    public init(command: ProcessCommand, timeout: TimeSpan) {
        self.command = command
        self.timeout = timeout
    }

    /// Makes the command of a hook, with that hook's default timeout.
    public init(_ hook: ProcessHook, command: ProcessCommand) {
        self.init(command: command, timeout: hook.defaultTimeout)
    }
}
