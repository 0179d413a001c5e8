/// What is wrong with a program's configuration: everything at once.
public struct SettingsError: Error, Hashable, Sendable, CustomStringConvertible {
    /// One sentence each: which key, where the value came from, what is allowed. At least one.
    public let problems: [String]

    init(_ problems: [String]) {
        self.problems = problems
    }

    /// One problem a line.
    public var description: String { problems.joined(separator: "\n") }
}
