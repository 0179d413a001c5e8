public import Components

/// A revision that came over the wire and cannot be read as a group definition.
public struct UnreadableRevision: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where, and what is wrong.
    public let problem: DefinitionProblem
    /// `PATH: MESSAGE`.
    public var description: String { problem.description }

    init(path: String, message: String) {
        problem = DefinitionProblem(path: path, message: message)
    }
}
