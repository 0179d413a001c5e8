/// A JSON value that keeps the order of its names, so that output is stable.
enum JSONValue: Hashable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case boolean(Bool)
    /// A whole number.
    case integer(Int64)
    /// A whole number above what `integer` holds.
    case unsigned(UInt64)
    /// A number. Infinities and NaN, which JSON does not have, are written as texts.
    case number(Double)
    /// A text.
    case text(String)
    /// A list.
    case list([JSONValue])
    /// An object, in this order.
    case object([(String, JSONValue)])

    /// A text, or null.
    static func optional(_ text: String?) -> JSONValue { text.map { .text($0) } ?? .null }

    /// The value on one line.
    var compact: String {
        switch self {
        case .null: "null"
        case .boolean(let truth): truth ? "true" : "false"
        case .integer(let number): String(number)
        case .unsigned(let number): String(number)
        case .number(let number):
            // JSON has no way to write these; the sign of a NaN means nothing.
            number.isFinite
                ? String(number) : Self.quote(number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity")
        case .text(let text): Self.quote(text)
        case .list(let values): "[" + values.map(\.compact).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { "\(Self.quote($0)):\($1.compact)" }.joined(separator: ",") + "}"
        }
    }

    /// The value over several lines, two spaces a level.
    var pretty: String { pretty(indent: "") }

    private func pretty(indent: String) -> String {
        let inner = indent + "  "
        switch self {
        case .list(let values) where !values.isEmpty:
            let lines = values.map { inner + $0.pretty(indent: inner) }
            return "[\n" + lines.joined(separator: ",\n") + "\n\(indent)]"
        case .object(let members) where !members.isEmpty:
            let lines = members.map { "\(inner)\(Self.quote($0)): \($1.pretty(indent: inner))" }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(indent)}"
        default: return compact
        }
    }

    /// A JSON text (RFC 8259, section 7).
    private static func quote(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// Whether two values are written the same.
    static func == (first: JSONValue, second: JSONValue) -> Bool { first.compact == second.compact }

    /// Hashes what is written.
    func hash(into hasher: inout Hasher) { hasher.combine(compact) }
}
