import HedgerowAPI

/// One value of a reading. Literals work: `["temperature": 21.4, "ok": true, "count": 3, "note": "dry"]`.
public enum ReadingValue: Hashable, Sendable {
    /// A real number.
    case double(Double)
    /// A whole number.
    case integer(Int64)
    /// A truth value.
    case bool(Bool)
    /// A text, at most 64 KiB.
    case string(String)

    /// The value as a number, nil for texts and truth values.
    public var number: Double? {
        switch self {
        case .double(let value): value
        case .integer(let value): Double(value)
        case .bool, .string: nil
        }
    }

    var kind: ReadingShape.Kind {
        switch self {
        case .double: .double
        case .integer: .integer
        case .bool: .bool
        case .string: .string
        }
    }

    /// Bytes that the value takes at most in the packed form.
    var cost: Int {
        switch self {
        case .double: 8
        case .integer: 10
        case .bool: 1
        case .string(let text): text.utf8.count + 4
        }
    }

    var wire: Hedgerow_Type_V1_Value {
        var value = Hedgerow_Type_V1_Value()
        switch self {
        case .double(let number): value.doubleValue = number
        case .integer(let number): value.integerValue = number
        case .bool(let truth): value.boolValue = truth
        case .string(let text): value.stringValue = text
        }
        return value
    }

    init?(_ wire: Hedgerow_Type_V1_Value) {
        switch wire.kind {
        case .doubleValue(let number): self = .double(number)
        case .integerValue(let number): self = .integer(number)
        case .boolValue(let truth): self = .bool(truth)
        case .stringValue(let text): self = .string(text)
        case nil: return nil
        }
    }
}

extension ReadingValue: CustomStringConvertible {
    /// The value as text, without quotes.
    public var description: String {
        switch self {
        case .double(let value): String(value)
        case .integer(let value): String(value)
        case .bool(let value): String(value)
        case .string(let value): value
        }
    }
}

extension ReadingValue: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByStringLiteral
{
    /// A real number.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// A whole number.
    public init(integerLiteral value: Int64) { self = .integer(value) }
    /// A truth value.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A text.
    public init(stringLiteral value: String) { self = .string(value) }
}
