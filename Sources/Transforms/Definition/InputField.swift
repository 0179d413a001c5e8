/// A field that a recipe's `input` declares.
public struct InputField: Hashable, Sendable {
    /// Name, 1 to 128 bytes.
    public var name: String
    /// Type that a batch's column must have.
    public var type: FieldType
    /// Unit that a batch's column must have; nil where any will do.
    public var unit: String?

    /// Makes a declaration.
    public init(name: String, type: FieldType, unit: String? = nil) {
        self.name = name
        self.type = type
        self.unit = unit
    }
}
