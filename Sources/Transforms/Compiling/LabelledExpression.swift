import Expressions

/// An expression and what causes of failures call it.
struct LabelledExpression: Sendable {
    let expression: CompiledExpression
    /// `step 2, set temperature (line 7)`.
    let label: String
}
