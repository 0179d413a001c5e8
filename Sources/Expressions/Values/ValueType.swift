/// The type of an expression, as far as it is known before evaluation.
public indirect enum ValueType: Hashable, Sendable {
    /// Signed integers of 64 bits.
    case int
    /// Unsigned integers of 64 bits.
    case uint
    /// IEEE numbers of 64 bits.
    case double
    /// Sequences of Unicode scalars.
    case string
    /// Sequences of octets.
    case bytes
    /// True or false.
    case bool
    /// The value null.
    case null
    /// Points in time, years 1 to 9999.
    case timestamp
    /// Stretches of time, signed, in nanoseconds.
    case duration
    /// Lists of one element type.
    case list(ValueType)
    /// Maps from one key type (int, uint, bool or string) to one value type.
    case map(ValueType, ValueType)
    /// A declared record (``RecordType``): only a variable has this type.
    case record(RecordType)
    /// The type of types.
    case type
    /// Not known before evaluation; every operation is checked when it happens.
    case dyn
    /// The element type of an empty list or map: fits every other. No value has it.
    case never
}

extension ValueType: CustomStringConvertible {
    /// The type as CEL writes it: `int`, `list(string)`, `map(string, dyn)`, `timestamp`.
    public var description: String {
        switch self {
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .bool: "bool"
        case .null: "null"
        case .timestamp: "timestamp"
        case .duration: "duration"
        case .list(let element): "list(\(element))"
        case .map(let key, let value): "map(\(key), \(value))"
        case .record(let record): record.name
        case .type: "type"
        case .dyn, .never: "dyn"
        }
    }
}
