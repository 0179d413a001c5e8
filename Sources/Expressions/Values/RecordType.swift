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
    /// Whether fields that are not declared may be named. Otherwise naming one is an error.
    public let isOpen: Bool
    /// The type of fields that are not declared.
    public let otherType: ValueType
    /// Of fields that are maps: the members that these have, where they have no others. Such a field is a value like
    /// every other; a member that is selected by its name becomes a slot of its own, of this record.
    public let members: [String: RecordType]

    /// Makes a record type.
    ///
    /// - Parameters:
    ///   - name: The name of the variable; of the members of a field, how errors call that field.
    ///   - fields: The types of the declared fields.
    ///   - isOpen: Whether fields that are not declared may be named.
    ///   - otherType: The type of those.
    ///   - members: The members of fields that are maps.
    public init(
        name: String, fields: [String: ValueType], isOpen: Bool, otherType: ValueType = .dyn,
        members: [String: RecordType] = [:]
    ) {
        self.name = name
        self.fields = fields
        self.isOpen = isOpen
        self.otherType = otherType
        self.members = members
    }
}
