/// A `shadow` step.
struct CompiledShadow: Sendable {
    /// One key and its value.
    struct Entry: Sendable {
        let place: ShadowPlace
        let value: LabelledExpression
    }

    /// Name of the shadow; empty for the classic one.
    let name: String
    /// Whether every field of the reading is reported.
    let reportsReading: Bool
    let entries: [Entry]
    /// `step 3, shadow`.
    let label: String
}
