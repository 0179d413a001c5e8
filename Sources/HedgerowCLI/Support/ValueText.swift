import HedgerowAPI

/// Values of readings as the command line reads and writes them.
enum ValueText {
    /// Reads `NAME=VALUE`: `true` and `false` are truth values, `21` is a whole number, `21.0` and `2e3` are
    /// numbers, anything else is a text.
    static func parse(_ argument: String) -> (name: String, value: Hedgerow_Type_V1_Value)? {
        guard let (name, text) = split(argument) else { return nil }
        var value = Hedgerow_Type_V1_Value()
        if text == "true" || text == "false" {
            value.boolValue = text == "true"
        } else if let number = Int64(text) {
            value.integerValue = number
        } else if text.contains(where: \.isNumber), let number = Double(text), number.isFinite {
            value.doubleValue = number
        } else {
            value.stringValue = text
        }
        return (name, value)
    }

    /// Reads `NAME=TEXT`, whatever the text looks like.
    static func parseText(_ argument: String) -> (name: String, value: Hedgerow_Type_V1_Value)? {
        guard let (name, text) = split(argument) else { return nil }
        var value = Hedgerow_Type_V1_Value()
        value.stringValue = text
        return (name, value)
    }

    /// Splits `NAME=REST`; the name is not empty and has at most 128 bytes.
    static func split(_ argument: String) -> (String, String)? {
        guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else { return nil }
        let name = String(argument[..<equals])
        return name.utf8.count <= 128 ? (name, String(argument[argument.index(after: equals)...])) : nil
    }

    /// The value for people.
    static func describe(_ value: Hedgerow_Type_V1_Value) -> String {
        switch value.kind {
        case .doubleValue(let number): String(number)
        case .integerValue(let number): String(number)
        case .boolValue(let truth): String(truth)
        case .stringValue(let text): text.contains(" ") || text.isEmpty ? "\"\(text)\"" : text
        case nil: "?"
        }
    }

    /// The value for programs.
    static func json(_ value: Hedgerow_Type_V1_Value) -> JSONValue {
        switch value.kind {
        case .doubleValue(let number): .number(number)
        case .integerValue(let number): .integer(number)
        case .boolValue(let truth): .boolean(truth)
        case .stringValue(let text): .text(text)
        case nil: .null
        }
    }
}
