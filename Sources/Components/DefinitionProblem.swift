/// One thing that is wrong with a definition.
public struct DefinitionProblem: Hashable, Sendable, CustomStringConvertible {
    /// Where: `name`, `things[3]`, `subscriptions[0].from`, `streams.bulk.maxSize`.
    public let path: String
    /// What is wrong and what to do.
    public let message: String

    /// Makes a problem.
    public init(path: String, message: String) {
        self.path = path
        self.message = message
    }

    /// `PATH: MESSAGE`.
    public var description: String { "\(path): \(message)" }
}
