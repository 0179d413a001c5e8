/// An expression as a recipe writes it.
public struct ExpressionText: Hashable, Sendable, ExpressibleByStringLiteral {
    /// The expression, in the subset of CEL that docs/transforms.md describes.
    public var source: String
    /// The line of the recipe that it is on, counting from 1, for messages; nil where there is no file.
    public var line: Int?

    /// Makes an expression of its text.
    public init(_ source: String, line: Int? = nil) {
        self.source = source
        self.line = line
    }

    /// Makes an expression of its text.
    public init(stringLiteral value: String) { self.init(value) }
}
