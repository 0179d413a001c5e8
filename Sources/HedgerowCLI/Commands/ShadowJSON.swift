import Shadows

/// A value of a shadow's document. The command line's own ``JSONValue`` is for what it writes: that keeps the order of
/// names, this does not.
typealias ShadowValue = Shadows.JSONValue

/// Documents of shadows as texts.
enum ShadowJSON {
    /// Reads a JSON text; nil where it is none.
    static func parse(_ text: String) -> ShadowValue? {
        try? ShadowValue(parsing: text.utf8)
    }

    /// A value for the output.
    static func json(_ value: ShadowValue?) -> JSONValue {
        switch value {
        case nil, .null?: .null
        case .bool(let truth)?: .boolean(truth)
        case .integer(let number)?: .integer(number)
        case .number(let number)?: .number(number)
        case .string(let text)?: .text(text)
        case .array(let values)?: .list(values.map { json($0) })
        case .object(let members)?:
            .object(members.sorted { $0.key < $1.key }.map { ($0.key, json($0.value)) })
        }
    }

    /// A document that came as a text, for the output; the text where it is no JSON, null where there is none.
    static func json(document: String) -> JSONValue {
        if document.isEmpty { return .null }
        return parse(document).map { json($0) } ?? .text(document)
    }

    /// A value on one line, fit for a terminal.
    static func text(_ value: ShadowValue, atMost limit: Int = .max) -> String {
        let text = Text.printable(json(value).compact)
        return text.count <= limit ? text : text.prefix(limit - 1) + "…"
    }
}
