/// A JSON value (RFC 8259).
///
/// Equality is structural: the integer 1 and the number 1.0 differ, and texts compare as Swift's do. What shadows
/// compare by is ``isSame(as:)``.
public enum JSONValue: Hashable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number written without point and exponent that fits 64 bits with sign.
    case integer(Int64)
    /// Any other number; always finite where it was parsed.
    case number(Double)
    /// A text.
    case string(String)
    /// Values in order.
    case array([JSONValue])
    /// Values by key.
    case object([String: JSONValue])

    /// Whether both mean the same: numbers by value (1 and 1.0 are the same), texts by their bytes, arrays element
    /// by element, objects key by key.
    public func isSame(as other: JSONValue) -> Bool {
        switch (self, other) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.integer(let left), .integer(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.integer(let whole), .number(let number)), (.number(let number), .integer(let whole)):
            Int64(exactly: number) == whole
        case (.string(let left), .string(let right)): Self.areSame(left, right)
        case (.array(let left), .array(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.isSame(as: $1) }
        case (.object(let left), .object(let right)): Self.areSame(left, right)
        default: false
        }
    }

    /// Whether two objects have the same keys with the same values, as ``isSame(as:)`` compares.
    public static func areSame(_ left: [String: JSONValue], _ right: [String: JSONValue]) -> Bool {
        guard left.count == right.count else { return false }
        for (key, value) in left {
            guard let other = right[key], value.isSame(as: other) else { return false }
        }
        return true
    }

    /// Texts with different bytes differ, even where Unicode calls them equivalent.
    private static func areSame(_ left: String, _ right: String) -> Bool {
        left == right && left.utf8.elementsEqual(right.utf8)
    }

    /// The value of a key, where this is an object that has it.
    public subscript(_ key: String) -> JSONValue? {
        guard case .object(let object) = self else { return nil }
        return object[key]
    }

    /// The levels of arrays and objects within each other: 0 for a plain value, 1 for `{"a": 1}`.
    public var depth: Int {
        switch self {
        case .array(let elements): 1 + elements.reduce(0) { max($0, $1.depth) }
        case .object(let object): 1 + object.reduce(0) { max($0, $1.value.depth) }
        default: 0
        }
    }
}
