import Expressions

/// How expressions see the configuration and the environment of the instance that runs a transform.
enum ConfigurationRecord {
    /// The name of the configuration in expressions.
    static let configuration = "configuration"
    /// The name of the environment in expressions.
    static let environment = "environment"

    /// The environment: which variables there are is for each instance to say, so that any may be named.
    static let environmentType = RecordType(name: environment, fields: [:], isOpen: true, otherType: .string)

    /// The configuration that a recipe has. Its values say the types.
    static func type(of defaults: [String: Value]) -> RecordType {
        type(named: configuration, defaults.map { ($0.key, $0.value) })
    }

    private static func type(named name: String, _ members: [(key: String, value: Value)]) -> RecordType {
        var fields: [String: ValueType] = [:]
        var shapes: [String: RecordType] = [:]
        for (key, value) in members {
            fields[key] = valueType(of: value)
            if let inner = textMembers(of: value), !inner.isEmpty {
                shapes[key] = type(named: self.name(of: key, in: name), inner)
            }
        }
        return RecordType(name: name, fields: fields, isOpen: false, members: shapes)
    }

    /// What expressions know of a value: nothing of null, of the elements of a list or map that has none or several
    /// kinds of them, and of lists and objects in a list, of which an instance may have any.
    private static func valueType(of value: Value) -> ValueType {
        switch value {
        case .double: .double
        case .int: .int
        case .uint: .uint
        case .bool: .bool
        case .string: .string
        case .bytes: .bytes
        case .timestamp: .timestamp
        case .duration: .duration
        case .type: .type
        case .null: .dyn
        case .list(let elements): .list(elements.contains(where: isNested) ? .dyn : common(elements))
        case .map(let map): .map(.string, common(map.entries.map(\.value)))
        }
    }

    private static func isNested(_ value: Value) -> Bool {
        switch value {
        case .list, .map: true
        default: false
        }
    }

    private static func common(_ values: [Value]) -> ValueType {
        let types = Set(values.map(valueType))
        return types.count == 1 ? types.first ?? .dyn : .dyn
    }

    /// The members of an object; nil for everything else.
    static func textMembers(of value: Value) -> [(key: String, value: Value)]? {
        guard case .map(let map) = value else { return nil }
        return map.entries.compactMap { entry in
            if case .string(let key) = entry.key { (key, entry.value) } else { nil }
        }
    }

    /// What the record of a member that is an object is called; no two are called alike.
    static func name(of key: String, in record: String) -> String {
        let isPlain = key.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        if isPlain { return "\(record).\(key)" }
        var escaped = ""
        for character in key {
            if character == "\"" || character == "\\" { escaped += "\\" }
            escaped.append(character)
        }
        return "\(record)[\"\(escaped)\"]"
    }
}
