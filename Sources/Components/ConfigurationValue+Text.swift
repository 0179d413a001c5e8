public import Expressions
import FoundationEssentials

extension ConfigurationValue {
    /// The value as JSON on one line, members in the order of their keys: the same value is the same text.
    public var json: String {
        switch self {
        case .null: "null"
        case .bool(let flag): flag ? "true" : "false"
        case .int(let number): String(number)
        case .double(let number): Self.text(of: number)
        case .string(let text): Self.quoted(text)
        case .list(let elements): "[\(elements.map(\.json).joined(separator: ", "))]"
        case .object(let members):
            "{\(members.sorted { $0.key < $1.key }.map { "\(Self.quoted($0.key)): \($0.value.json)" }.joined(separator: ", "))}"
        }
    }

    /// A number with a point, so that YAML takes it for one too.
    private static func text(of number: Double) -> String {
        let text = String(number)
        guard !text.contains("."), let exponent = text.firstIndex(of: "e") else { return text }
        return "\(text[..<exponent]).0\(text[exponent...])"
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\":
                quoted += "\\"
                quoted.unicodeScalars.append(scalar)
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case _
            where scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
                || [0x2028, 0x2029, 0xFEFF].contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// The same value with numbers as JSON knows them, which has one kind only: what is written 1.0 is 1. Which kind an
    /// instance's number is, the recipe says (``RecipeConfiguration``).
    public var canonical: ConfigurationValue {
        switch self {
        case .double(let number): Int64(exactly: number).map(Self.int) ?? self
        case .list(let elements): .list(elements.map(\.canonical))
        case .object(let members): .object(members.mapValues(\.canonical))
        case .null, .bool, .int, .string: self
        }
    }

    /// Reads an object as JSON; nil where the text is none, or is longer than ``maximumBytes``.
    public static func members(parsing text: String) -> [String: ConfigurationValue]? {
        guard text.utf8.count <= maximumBytes else { return nil }
        let value = try? JSONDecoder().decode(ConfigurationValue.self, from: Data(text.utf8))
        return value?.members
    }

    /// What expressions see.
    public var expressionValue: Value {
        switch self {
        case .null: .null
        case .bool(let flag): .bool(flag)
        case .int(let number): .int(number)
        case .double(let number): .double(number)
        case .string(let text): .string(text)
        case .list(let elements): .list(elements.map(\.expressionValue))
        case .object(let members): .map(ValueMap(members.mapValues(\.expressionValue)))
        }
    }

    /// What it is, for people: `the text "high"`, `the number 80`.
    var shown: String {
        switch self {
        case .null: "null"
        case .bool(let flag): "the truth value \(flag)"
        case .int, .double: "the number \(json)"
        case .string(let text): "the text \(Self.quoted(String(text.prefix(40))))"
        case .list: "a list"
        case .object: "an object"
        }
    }
}
