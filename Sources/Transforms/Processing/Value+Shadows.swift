import Expressions

extension Value {
    /// The value as a shadow has it, which is JSON: null, bool, int, finite double, string, lists without null, and maps
    /// with texts for keys.
    ///
    /// - Throws: ``RowFault`` where JSON has no such value.
    func shadowValue() throws(RowFault) -> Value {
        switch self {
        case .null, .bool, .int: return self
        case .double(let value):
            guard value.isFinite else { throw Self.notFinite }
            return self
        case .uint(let value):
            guard let value = Int64(exactly: value) else {
                throw RowFault("the unsigned number is too large for a shadow (over 9223372036854775807)")
            }
            return .int(value)
        case .string(let text):
            if text.utf8.count > TransformLimits.shadowBytes { throw Self.tooLarge }
            return self
        case .list(let elements):
            var list: [Value] = []
            list.reserveCapacity(elements.count)
            for element in elements {
                if element == .null { throw RowFault("a list in a shadow has no null, but this one does") }
                list.append(try element.shadowValue())
            }
            return .list(list)
        case .map(let map):
            var result = ValueMap()
            for entry in map.entries {
                guard case .string = entry.key else {
                    throw RowFault(
                        "the keys of a map in a shadow are texts, but this one is of type \(entry.key.typeName)"
                    )
                }
                result.insert(try entry.value.shadowValue(), for: entry.key)
            }
            return .map(result)
        case .bytes, .timestamp, .duration, .type:
            throw RowFault("a shadow takes JSON values, but the value is of type \(typeName)")
        }
    }

    static var notFinite: RowFault {
        RowFault("the number is not finite (NaN or infinity), which a shadow cannot have")
    }

    static var tooLarge: RowFault {
        RowFault(
            "what it changes has more than \(TransformLimits.shadowBytes) bytes, the most that a shadow has")
    }

    /// About how many bytes it takes in a shadow, at least.
    var shadowBytes: Int {
        switch self {
        case .string(let text): text.utf8.count + 2
        case .list(let values): values.reduce(2) { $0 + 1 + $1.shadowBytes }
        case .map(let map):
            map.entries.reduce(2) { $0 + 2 + $1.key.shadowBytes + $1.value.shadowBytes }
        default: 1
        }
    }
}
