/// Why an evaluation gave no value.
public struct EvaluationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of a failure.
    public enum Kind: Hashable, Sendable {
        /// A field or variable that has no value in this evaluation.
        case noSuchField
        /// A map without the key.
        case noSuchKey
        /// A list without the index.
        case indexOutOfRange
        /// An integer divided by zero, or its remainder.
        case divisionByZero
        /// A number, timestamp or duration out of its range.
        case overflow
        /// An operation on values of types for which it does not exist.
        case noSuchOverload
        /// A value that a function does not accept, such as a text that is no number.
        case invalidArgument
        /// More work than ``ExpressionLimits/maximumCost``.
        case costExceeded
        /// More work than ``Frame/budget`` had left.
        case budgetExceeded
        /// A slot or an answer of the host of another type than declared.
        case typeMismatch
        /// What a host function reports.
        case host
    }

    /// What kind of failure.
    public let kind: Kind
    /// What failed, one sentence without position, stable for the same cause.
    public let message: String
    /// The part of the source that failed.
    public var span: SourceSpan

    /// Makes an error; the engine sets the span.
    public init(kind: Kind, message: String, span: SourceSpan = SourceSpan(start: 0, end: 0)) {
        self.kind = kind
        self.message = message
        self.span = span
    }

    /// A failure of a host function.
    public static func host(_ message: String) -> EvaluationError {
        EvaluationError(kind: .host, message: message)
    }

    /// The message.
    public var description: String { message }
}
