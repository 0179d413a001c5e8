import Expressions
import Shadows

extension Value {
    /// A value of a document, as expressions see it.
    init(_ value: JSONValue) {
        self =
            switch value {
            case .null: .null
            case .bool(let value): .bool(value)
            case .integer(let value): .int(value)
            case .number(let value): .double(value)
            case .string(let value): .string(value)
            case .array(let values): .list(values.map(Value.init))
            case .object(let members): .map(ValueMap(members.mapValues(Value.init)))
            }
    }
}

extension JSONValue {
    /// A value of an expression, as documents have it; nil where they have no such values. Depth is bounded by what
    /// expressions make.
    init?(_ value: Value) {
        switch value {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .int(let value): self = .integer(value)
        case .uint(let value): self = Int64(exactly: value).map(JSONValue.integer) ?? .number(Double(value))
        case .double(let value):
            guard value.isFinite else { return nil }
            self = .number(value)
        case .string(let value): self = .string(value)
        case .list(let values):
            var elements: [JSONValue] = []
            for value in values {
                guard let element = JSONValue(value) else { return nil }
                elements.append(element)
            }
            self = .array(elements)
        case .map(let map):
            var members: [String: JSONValue] = [:]
            for entry in map.entries {
                guard case .string(let key) = entry.key, let member = JSONValue(entry.value) else {
                    return nil
                }
                members[key] = member
            }
            self = .object(members)
        case .bytes, .timestamp, .duration, .type: return nil
        }
    }
}
