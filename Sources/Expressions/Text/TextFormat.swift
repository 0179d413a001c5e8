/// `format` of the strings library: `%s`, `%d`, `%f`, `%e`, `%x`, `%X`, `%o`, `%b`, `%%`, with a precision for
/// `%f` and `%e`.
enum TextFormat {
    /// The most digits after the point.
    private static let maximumPrecision = 1_000

    static func format(
        _ template: String, _ values: [Value], _ meter: inout Meter
    ) throws(EvaluationError) -> String {
        try meter.charge(template.utf8.count)
        var result = String.UnicodeScalarView()
        var next = 0
        var rest = template.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "%" else {
                result.append(scalar)
                continue
            }
            var precision: Int?
            if rest.first == "." {
                rest.removeFirst()
                let digits = String(rest.prefix { ("0"..."9").contains($0) })
                rest = rest.dropFirst(digits.unicodeScalars.count)
                guard let number = Int(digits), number <= maximumPrecision else {
                    throw .invalid("a precision in a format is 0 to \(maximumPrecision), such as %.2f")
                }
                precision = number
            }
            guard let clause = rest.popFirst() else {
                throw .invalid("the format ends within a clause; a percent sign itself is written %%")
            }
            if clause == "%", precision == nil {
                result.append("%")
                continue
            }
            guard "sdfexXob".unicodeScalars.contains(clause) else {
                throw .invalid(
                    "the format clause %\(String(clause).printable) is not known: s, d, f, e, x, X, o, b, %")
            }
            guard next < values.count else {
                throw .invalid("the format needs more than the \(values.count) values given")
            }
            let text = try text(of: values[next], clause, precision ?? 6, &meter)
            try meter.charge(text.utf8.count)
            result.append(contentsOf: text.unicodeScalars)
            next += 1
        }
        return String(result)
    }

    private static func text(
        of value: Value, _ clause: Unicode.Scalar, _ precision: Int, _ meter: inout Meter
    ) throws(EvaluationError) -> String {
        switch (clause, value) {
        case ("s", _): return try plain(value, &meter)
        case ("d", .int(let number)): return "\(number)"
        case ("d", .uint(let number)): return "\(number)"
        case ("d", .double(let number)):
            try meter.charge(DoubleText.cost)
            return number.isFinite ? DoubleText.plain(number) : special(number)
        case ("f", .int), ("f", .uint), ("f", .double), ("e", .int), ("e", .uint), ("e", .double):
            let number = value.asDouble
            if !number.isFinite { return special(number) }
            try meter.charge(precision + 64)
            return clause == "f"
                ? DecimalDigits(number).fixed(precision) : DecimalDigits(number).scientific(precision)
        case ("b", .bool(let flag)): return flag ? "1" : "0"
        case ("b", .int(let number)): return String(number, radix: 2)
        case ("b", .uint(let number)): return String(number, radix: 2)
        case ("o", .int(let number)): return String(number, radix: 8)
        case ("o", .uint(let number)): return String(number, radix: 8)
        case ("x", .int(let number)): return String(number, radix: 16)
        case ("x", .uint(let number)): return String(number, radix: 16)
        case ("X", .int(let number)): return String(number, radix: 16, uppercase: true)
        case ("X", .uint(let number)): return String(number, radix: 16, uppercase: true)
        case ("x", .string(let text)), ("X", .string(let text)):
            try meter.charge(2 * text.utf8.count)
            return hex(Array(text.utf8), isUpper: clause == "X")
        case ("x", .bytes(let octets)), ("X", .bytes(let octets)):
            try meter.charge(2 * octets.count)
            return hex(octets, isUpper: clause == "X")
        default:
            throw EvaluationError(
                kind: .noSuchOverload,
                message: "the format clause %\(clause) does not take a \(value.typeName)")
        }
    }

    /// A value as `%s` writes it, inside of lists and maps too; maps in order of their keys' texts.
    private static func plain(_ value: Value, _ meter: inout Meter) throws(EvaluationError) -> String {
        switch value {
        case .string(let text): return text
        case .bytes(let octets): return String(decoding: octets, as: UTF8.self)
        case .int(let number): return "\(number)"
        case .uint(let number): return "\(number)"
        case .double(let number):
            try meter.charge(DoubleText.cost)
            return DoubleText.plain(number)
        case .bool(let flag): return flag ? "true" : "false"
        case .null: return "null"
        case .timestamp(let time): return time.text
        case .duration(let span): return span.text
        case .type(let name): return name
        case .list(let elements):
            var parts: [String] = []
            for element in elements {
                let part = try plain(element, &meter)
                try meter.charge(part.utf8.count + 2)
                parts.append(part)
            }
            return "[" + parts.joined(separator: ", ") + "]"
        case .map(let map):
            var parts: [(key: String, value: String)] = []
            for entry in map.entries {
                let part = (key: try plain(entry.key, &meter), value: try plain(entry.value, &meter))
                try meter.charge(part.key.utf8.count + part.value.utf8.count + 4)
                parts.append(part)
            }
            parts.sort { ExactText.isLess($0.key, $1.key) }
            return "{" + parts.map { $0.key + ": " + $0.value }.joined(separator: ", ") + "}"
        }
    }

    private static func special(_ number: Double) -> String { DoubleText.plain(number) }

    private static func hex(_ octets: [UInt8], isUpper: Bool) -> String {
        let digits = Array((isUpper ? "0123456789ABCDEF" : "0123456789abcdef").utf8)
        return String(
            decoding: octets.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

extension Value {
    /// A number as a double, rounded; 0 for what is none.
    var asDouble: Double {
        switch self {
        case .double(let number): number
        case .int(let number): Double(number)
        case .uint(let number): Double(number)
        default: 0
        }
    }
}
