import FoundationEssentials
import Logging

/// A log record, ready to be written.
struct LogRecord {
    let time: Date
    let level: Logger.Level
    let label: String
    let message: String
    /// Metadata, flattened to dotted lower-case keys and sorted by key.
    let fields: [(key: String, value: String)]

    /// Names that the record itself uses in JSON.
    private static let reserved: Set<String> = ["time", "level", "logger", "message"]

    // MARK: Metadata

    /// The metadata with nested dictionaries as dotted keys.
    static func flatten(_ metadata: Logger.Metadata) -> [(key: String, value: String)] {
        var fields: [String: String] = [:]
        func add(_ key: String, _ value: Logger.Metadata.Value) {
            switch value {
            case .dictionary(let inner): for (name, value) in inner { add("\(key).\(normal(name))", value) }
            case .string(let text): fields[key] = text
            case .stringConvertible(let value): fields[key] = value.description
            case .array(let values): fields[key] = values.map { "\($0)" }.joined(separator: ",")
            }
        }
        for (key, value) in metadata { add(normal(key), value) }
        return fields.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) }
    }

    /// A key in lower case, a hump of camel case beginning a new word: `remoteAddress` is `remote.address`.
    private static func normal(_ key: String) -> String {
        var result = ""
        var previous: Character = "."
        for character in key {
            if character.isUppercase, previous.isLowercase || previous.isNumber { result.append(".") }
            let isAllowed =
                character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character))
            result += isAllowed ? character.lowercased() : "_"
            previous = character
        }
        return result.isEmpty ? "_" : result
    }

    // MARK: Forms

    /// UTC with milliseconds: `2026-05-04T12:30:00.125Z`.
    private var timestamp: String {
        time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    var text: String {
        let name = level.rawValue.padded(to: 8)
        var line = "\(timestamp) \(name) \(label): \(Self.printable(message))"
        for (key, value) in fields { line += " \(key)=\(Self.quoted(value))" }
        return line
    }

    var json: String {
        var line =
            "{\"time\":\"\(timestamp)\",\"level\":\"\(level.rawValue)\",\"logger\":\(Self.jsonText(label))"
        line += ",\"message\":\(Self.jsonText(message))"
        for (key, value) in fields {
            let name = Self.reserved.contains(key) ? "metadata.\(key)" : key
            line += ",\(Self.jsonText(name)):\(Self.jsonText(value))"
        }
        return line + "}"
    }

    /// The text without what would begin a new line or steer a terminal: a log line cannot be forged.
    static func printable(_ text: String) -> String {
        if text.unicodeScalars.allSatisfy({ !isControl($0) }) { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where isControl(scalar): result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// The value, in quotes where it is empty or has a space, a quote or an equals sign.
    private static func quoted(_ text: String) -> String {
        let line = printable(text)
        let isPlain = !line.isEmpty && !line.contains { $0 == " " || $0 == "\"" || $0 == "=" }
        if isPlain { return line }
        return "\"" + line.map { $0 == "\"" ? "\\\"" : String($0) }.joined() + "\""
    }

    /// A JSON text (RFC 8259, section 7), ASCII controls and line separators escaped.
    static func jsonText(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where isControl(scalar):
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) || scalar == "\u{2028}"
            || scalar == "\u{2029}"
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
