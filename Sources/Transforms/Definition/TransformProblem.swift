/// One thing that is wrong (or at least odd) with a transform.
public struct TransformProblem: Hashable, Sendable, CustomStringConvertible {
    /// Where: `transform[1].set.temperature`, `input.humidity.unit`, `access.host`.
    public let path: String
    /// What is wrong and what to do.
    public let message: String
    /// The part of the expression at ``path`` that is meant, as UTF-8 offsets; nil where the whole is.
    public let span: Range<Int>?

    /// Makes a problem.
    public init(path: String, message: String, span: Range<Int>? = nil) {
        self.path = path
        self.message = message
        self.span = span
    }

    /// `PATH: MESSAGE`.
    public var description: String { "\(path): \(message)" }
}
