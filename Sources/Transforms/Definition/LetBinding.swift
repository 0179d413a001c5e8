/// One entry of a `let` step: a name for the value of an expression.
public struct LetBinding: Hashable, Sendable {
    /// Name: a CEL identifier that nothing else bears.
    public var name: String
    /// What it stands for.
    public var value: ExpressionText

    /// Makes an entry.
    public init(name: String, value: ExpressionText) {
        self.name = name
        self.value = value
    }
}
