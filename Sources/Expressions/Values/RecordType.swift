/// The fields that a record variable may have.
///
/// A record is not a value: an expression selects its fields (`reading.temperature`,
/// `reading["temperature"]`), asks for them (`has(reading.temperature)`, `"temperature" in reading`), and each
/// field so named becomes a slot of the compiled expression. Any field may be absent at evaluation.
public struct RecordType: Hashable, Sendable {
    /// The name of the variable.
    public let name: String
    /// The types of the declared fields.
    public let fields: [String: ValueType]
    /// Whether fields that are not declared may be named; those are `dyn`. Otherwise naming one is an error.
    public let isOpen: Bool

    /// Makes a record type.
    public init(name: String, fields: [String: ValueType], isOpen: Bool) {
        self.name = name
        self.fields = fields
        self.isOpen = isOpen
    }
}
