/// One value of a reading.
public enum ReadingValue: Hashable, Sendable {
    /// A real number.
    case double(Double)
    /// A whole number.
    case int(Int64)
    /// A truth value.
    case bool(Bool)
    /// A text.
    case string(String)

    /// Its type.
    public var type: FieldType {
        switch self {
        case .double: .double
        case .int: .int
        case .bool: .bool
        case .string: .string
        }
    }
}
