/// Everything that is wrong with a transform.
public struct TransformErrors: Error, Hashable, Sendable, CustomStringConvertible {
    /// The problems in the order of the recipe; at least one, at most ``TransformLimits/problems``.
    public let problems: [TransformProblem]

    /// One problem a line.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
