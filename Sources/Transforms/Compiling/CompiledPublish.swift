/// A `publish` step.
struct CompiledPublish: Sendable {
    enum Topic: Sendable {
        case literal(String)
        case computed(LabelledExpression)
    }

    let index: Int
    let topic: Topic
    /// `step 3, publish`.
    let label: String
}
