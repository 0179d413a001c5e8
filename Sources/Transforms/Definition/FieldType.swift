/// The types that a field of a reading may have.
public enum FieldType: String, Hashable, Sendable, CaseIterable {
    /// A real number (IEEE 754 binary64).
    case double
    /// A whole number of 64 bits.
    case int
    /// A truth value.
    case bool
    /// A text.
    case string
}
