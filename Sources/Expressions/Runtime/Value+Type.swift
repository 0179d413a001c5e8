extension Value {
    /// The name of the value's type as CEL gives it for `type(…)`.
    var typeName: String {
        switch self {
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .bool: "bool"
        case .null: "null_type"
        case .list: "list"
        case .map: "map"
        case .timestamp: "google.protobuf.Timestamp"
        case .duration: "google.protobuf.Duration"
        case .type: "type"
        }
    }

    /// The static type of the value: what a literal of it has.
    var staticType: ValueType {
        switch self {
        case .int: .int
        case .uint: .uint
        case .double: .double
        case .string: .string
        case .bytes: .bytes
        case .bool: .bool
        case .null: .null
        case .list(let elements): .list(ValueType.join(elements.map(\.staticType)))
        case .map(let map):
            .map(
                ValueType.join(map.entries.map(\.key.staticType)),
                ValueType.join(map.entries.map(\.value.staticType)))
        case .timestamp: .timestamp
        case .duration: .duration
        case .type: .type
        }
    }

    /// Whether the value is of a declared type, one level deep: elements of lists and maps are checked when
    /// they are used.
    func matches(_ type: ValueType) -> Bool {
        switch (self, type) {
        case (_, .dyn), (.int, .int), (.uint, .uint), (.double, .double), (.string, .string),
            (.bytes, .bytes),
            (.bool, .bool), (.null, .null), (.list, .list), (.map, .map), (.timestamp, .timestamp),
            (.duration, .duration), (.type, .type):
            true
        default: false
        }
    }
}

extension ValueType {
    /// The type that holds values of all the given types: the type itself where they agree, `dyn` otherwise;
    /// `never` for none.
    static func join(_ types: some Sequence<ValueType>) -> ValueType {
        var result = ValueType.never
        for type in types { result = result.joined(with: type) }
        return result
    }

    /// The type that holds values of both.
    func joined(with other: ValueType) -> ValueType {
        switch (self, other) {
        case (.never, _): other
        case (_, .never): self
        case (.list(let left), .list(let right)): .list(left.joined(with: right))
        case (.map(let leftKey, let left), .map(let rightKey, let right)):
            .map(leftKey.joined(with: rightKey), left.joined(with: right))
        default: self == other ? self : .dyn
        }
    }

    /// Whether a value of this type may stand where a parameter's type is asked for: the same, or one of both
    /// is only known at evaluation.
    func fits(_ parameter: ValueType) -> Bool {
        switch (self, parameter) {
        case (.record, _), (_, .record): self == parameter
        case (.dyn, _), (_, .dyn), (.never, _), (_, .never): true
        case (.list(let left), .list(let right)): left.fits(right)
        case (.map(let leftKey, let left), .map(let rightKey, let right)):
            leftKey.fits(rightKey) && left.fits(right)
        // As in CEL's reference implementation, absent points and stretches of time may be null.
        case (.null, .timestamp), (.null, .duration), (.timestamp, .null), (.duration, .null): true
        default: self == parameter
        }
    }

    /// The type as it is shown and kept: `never` inside becomes `dyn`.
    var settled: ValueType {
        switch self {
        case .never: .dyn
        case .list(let element): .list(element.settled)
        case .map(let key, let value): .map(key.settled, value.settled)
        default: self
        }
    }

    /// Whether values are kept unboxed, in 64 bits.
    var isScalar: Bool {
        switch self {
        case .int, .uint, .double, .bool: true
        default: false
        }
    }

    /// Whether int, uint or double.
    var isNumeric: Bool {
        switch self {
        case .int, .uint, .double: true
        default: false
        }
    }
}
