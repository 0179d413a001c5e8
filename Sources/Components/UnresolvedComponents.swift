/// The component instances of a group that cannot be resolved.
public struct UnresolvedComponents: Error, Hashable, Sendable, CustomStringConvertible {
    /// One entry an instance that has no solution by itself, in their order; where each has one, the one that
    /// says why there is none for all of them. At least one.
    public let problems: [ResolutionProblem]

    /// A suggestion compares with every name there is; more of them would make a bad group expensive.
    static let mostSuggestions = 20

    init(_ problems: [ResolutionProblem]) {
        self.problems = problems
    }

    /// One line a problem.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
