/// Why an expression was refused: everything found wrong with it, in order of position.
public struct ExpressionErrors: Error, Hashable, Sendable, CustomStringConvertible {
    /// The problems, at least one and at most ``maximumProblems``.
    public let problems: [ExpressionProblem]

    /// How many problems of one expression are reported; later ones are left out.
    public static let maximumProblems = 16

    /// Makes an error of problems; sorted by position, cut at the limit.
    init(_ problems: [ExpressionProblem]) {
        let sorted = problems.sorted { ($0.span.start, $0.span.end) < ($1.span.start, $1.span.end) }
        self.problems = Array(sorted.prefix(Self.maximumProblems))
    }

    /// All messages, joined by semicolons.
    public var description: String { problems.map(\.message).joined(separator: "; ") }
}
