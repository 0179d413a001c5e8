import Expressions

extension Value {
    /// The value as a field has it; nil for null.
    ///
    /// - Throws: ``RowFault`` where no field may have it.
    func fieldValue() throws(RowFault) -> ReadingValue? {
        switch self {
        case .double(let value): return .double(value)
        case .int(let value): return .int(value)
        case .bool(let value): return .bool(value)
        case .null: return nil
        case .uint(let value):
            guard let value = Int64(exactly: value) else {
                throw RowFault("the unsigned number is too large for a field (over 9223372036854775807)")
            }
            return .int(value)
        case .string(let text):
            if text.utf8.count > TransformLimits.textBytes {
                throw RowFault("the text is longer than \(TransformLimits.textBytes) bytes")
            }
            return .string(text)
        case .bytes, .list, .map, .timestamp, .duration, .type:
            throw RowFault("a field takes double, int, bool or string, but the value is of type \(typeName)")
        }
    }

    /// The type as expressions call it.
    var typeName: String {
        switch self {
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .bool: "bool"
        case .null: "null"
        case .list: "list"
        case .map: "map"
        case .timestamp: "timestamp"
        case .duration: "duration"
        case .type: "type"
        }
    }

    /// About how many bytes it holds beyond a plain number's.
    var textBytes: Int {
        switch self {
        case .string(let text): text.utf8.count
        case .bytes(let bytes): bytes.count
        case .list(let values): values.reduce(0) { $0 + 16 + $1.textBytes }
        case .map(let map): map.entries.reduce(0) { $0 + 64 + $1.key.textBytes + $1.value.textBytes }
        case .type(let name): name.utf8.count
        case .int, .uint, .double, .bool, .null, .timestamp, .duration: 0
        }
    }
}

extension EvaluationError {
    /// Why a row fails: the message, or that the work on its batch grew beyond ``TransformLimits/batchCost``.
    var rowReason: String {
        guard kind == .budgetExceeded else { return message }
        return "the batch took more than \(TransformLimits.batchCost) units of work; "
            + "use fewer or simpler expressions, or send fewer readings at once"
    }

    /// The texts of a batch grew beyond ``TransformLimits/madeTextBytes``.
    static var tooMuchText: EvaluationError {
        .host(
            "the texts made of one batch are longer than \(TransformLimits.madeTextBytes >> 20) MiB together")
    }
}
