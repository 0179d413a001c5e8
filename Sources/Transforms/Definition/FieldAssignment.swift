/// One entry of a `set` step: a field's new value.
public struct FieldAssignment: Hashable, Sendable {
    /// Name of the field, 1 to 128 bytes.
    public var field: String
    /// Its value: double, int, bool, string; uint becomes int; null removes the field.
    public var value: ExpressionText
    /// Its unit from now on; nil keeps the unit that it has. Empty takes the unit away.
    public var unit: String?

    /// Makes an entry.
    public init(field: String, value: ExpressionText, unit: String? = nil) {
        self.field = field
        self.value = value
        self.unit = unit
    }
}
