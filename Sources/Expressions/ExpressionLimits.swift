/// Bounds on what an expression may cost to read and to evaluate.
public struct ExpressionLimits: Hashable, Sendable {
    /// The longest source, in UTF-8 bytes. Default 8,192.
    public var maximumSourceBytes: Int
    /// The deepest nesting: parentheses, brackets, call arguments, unary operators, conditionals within each
    /// other. A chain of operators, selections or calls on one level (`a + b + c`) is no nesting. Default 64.
    public var maximumDepth: Int
    /// The most literals, names, operators and calls. Default 4,096.
    public var maximumNodes: Int
    /// The most work of one evaluation: each byte and each element that a function reads or makes counts one,
    /// so that this also bounds the size of any intermediate string or list; so does each function called, and
    /// what takes long by other means (a regular expression, a number's digits) counts in proportion. A unit is
    /// at most about a microsecond. Numbers, comparisons of numbers and logic count nothing, as the source bounds
    /// them. Default 1,000,000.
    public var maximumCost: Int

    /// Makes limits; what is not given is as in ``standard``.
    public init(
        maximumSourceBytes: Int = 8_192, maximumDepth: Int = 64, maximumNodes: Int = 4_096,
        maximumCost: Int = 1_000_000
    ) {
        self.maximumSourceBytes = maximumSourceBytes
        self.maximumDepth = maximumDepth
        self.maximumNodes = maximumNodes
        self.maximumCost = maximumCost
    }

    /// The default limits.
    public static let standard = ExpressionLimits()
}
