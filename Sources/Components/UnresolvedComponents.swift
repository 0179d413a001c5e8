/// The component instances of a group that no registered version fits.
public struct UnresolvedComponents: Error, Hashable, Sendable, CustomStringConvertible {
    /// One entry an instance, in their order; at least one.
    public let problems: [UnresolvedComponent]

    /// A suggestion compares with every name there is; more of them would make a bad group expensive.
    static let mostSuggestions = 20

    init(_ problems: [UnresolvedComponent]) {
        self.problems = problems
    }

    /// One line an instance.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
