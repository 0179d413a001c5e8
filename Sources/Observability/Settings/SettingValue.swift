public import Components
public import Configuration

/// A value that follows its key's kind.
public enum SettingValue: Hashable, Sendable {
    /// A text, path or choice.
    case text(String)
    /// A whole number.
    case integer(Int)
    /// A number.
    case number(Double)
    /// A truth value.
    case boolean(Bool)
    /// A span of time.
    case duration(TimeSpan)
    /// A number of bytes.
    case size(ByteSize)
    /// Several texts.
    case list([String])

    /// The value as people write it.
    public var description: String {
        switch self {
        case .text(let text): text
        case .integer(let number): String(number)
        case .number(let number): String(number)
        case .boolean(let truth): String(truth)
        case .duration(let span): span.description
        case .size(let size): size.description
        case .list(let texts): texts.joined(separator: ",")
        }
    }

    /// The value as swift-configuration holds it: spans and sizes are texts that
    /// `string(forKey:as: TimeSpan.self)` and `string(forKey:as: ByteSize.self)` read.
    var content: ConfigContent {
        switch self {
        case .text(let text): .string(text)
        case .integer(let number): .int(number)
        case .number(let number): .double(number)
        case .boolean(let truth): .bool(truth)
        case .duration(let span): .string(span.description)
        case .size(let size): .string(size.description)
        case .list(let texts): .stringArray(texts)
        }
    }
}

/// A value that does not follow its key's kind: what is wrong and what is allowed.
struct InvalidSettingValue: Error {
    let message: String
}

extension SettingKey.Kind {
    /// Reads a value that is written as a text.
    func value(_ text: String) throws(InvalidSettingValue) -> SettingValue {
        switch self {
        case .text, .path:
            if text.isEmpty { throw InvalidSettingValue(message: "is empty; write \(expectation)") }
            return .text(text)
        case .integer(let range):
            guard let number = Int(text), range.contains(number) else { throw refusal(text) }
            return .integer(number)
        case .number(let range):
            guard let number = Double(text), range.contains(number) else { throw refusal(text) }
            return .number(number)
        case .boolean:
            switch text.lowercased() {
            case "true", "yes", "1": return .boolean(true)
            case "false", "no", "0": return .boolean(false)
            default: throw refusal(text)
            }
        case .duration(let range):
            guard let span = try? TimeSpan(parsing: text), range.contains(span) else { throw refusal(text) }
            return .duration(span)
        case .size(let range):
            guard let size = try? ByteSize(parsing: text), range.contains(size) else { throw refusal(text) }
            return .size(size)
        case .choice(let words):
            guard words.contains(text) else { throw refusal(text) }
            return .text(text)
        case .list:
            return try value(
                text.isEmpty
                    ? []
                    : text.split(separator: ",", omittingEmptySubsequences: false).map {
                        $0.trimmed
                    })
        }
    }

    /// Reads a list.
    func value(_ texts: [String]) throws(InvalidSettingValue) -> SettingValue {
        guard self == .list else {
            throw InvalidSettingValue(message: "is a list; write \(expectation)")
        }
        if texts.contains("") { throw InvalidSettingValue(message: "has an empty element; remove it") }
        return .list(texts)
    }

    private func refusal(_ text: String) -> InvalidSettingValue {
        InvalidSettingValue(message: "is \"\(text.prefix(60))\"; write \(expectation)")
    }

    /// What is allowed, to follow "write".
    var expectation: String {
        switch self {
        case .text: "a text"
        case .path: "a path"
        case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .number(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
        case .boolean: "true or false"
        case .duration(let range):
            "a span of time from \(range.lowerBound) to \(range.upperBound), such as 90s or 7d"
        case .size(let range): "a size from \(range.lowerBound) to \(range.upperBound), such as 64KiB"
        case .choice(let words): words.count == 1 ? words[0] : "one of \(words.joined(separator: ", "))"
        case .list: "texts, separated by commas"
        }
    }

    /// The kind in one word, for help.
    var placeholder: String {
        switch self {
        case .text: "TEXT"
        case .path: "PATH"
        case .integer, .number: "NUMBER"
        case .boolean: "true|false"
        case .duration: "TIME"
        case .size: "SIZE"
        case .choice(let words): words.joined(separator: "|")
        case .list: "LIST"
        }
    }
}

extension TimeSpan: ExpressibleByConfigString {
    /// Reads a span; nil where it is none.
    public init?(configString: String) {
        guard let span = try? TimeSpan(parsing: configString) else { return nil }
        self = span
    }
}

extension ByteSize: ExpressibleByConfigString {
    /// Reads a size; nil where it is none.
    public init?(configString: String) {
        guard let size = try? ByteSize(parsing: configString) else { return nil }
        self = size
    }
}

extension Substring {
    fileprivate var trimmed: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
