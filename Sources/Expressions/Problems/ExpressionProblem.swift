/// One thing wrong with an expression, for the person who wrote it.
public struct ExpressionProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where in the source.
    public let span: SourceSpan
    /// What is wrong and what to do, with a suggestion where a known name is near. One sentence, no full stop,
    /// no position.
    public let message: String

    /// Makes a problem.
    public init(span: SourceSpan, message: String) {
        self.span = span
        self.message = message
    }

    /// The message alone; the position needs the source, see ``position(in:)``.
    public var description: String { message }

    /// The line and column of the first character in question.
    public func position(in source: String) -> SourcePosition {
        SourcePosition(offset: span.start, in: source)
    }
}
