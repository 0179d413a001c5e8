/// A line that a program wrote, or that its log says of it.
public struct ProgramLine: Hashable, Sendable {
    /// The instance.
    public let instance: String
    /// The line, at most ``OutputFilter/maximumLine`` bytes and a mark where it was cut.
    public let text: String
}
