/// One entry of a `set` step.
struct CompiledAssignment: Sendable {
    let field: String
    let value: LabelledExpression
    /// The unit from now on; nil keeps the one there is.
    let unit: String?
}
