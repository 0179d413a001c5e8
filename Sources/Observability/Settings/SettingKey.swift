public import Components

/// One key of a program's configuration, as the table declares it.
///
/// The same key has three spellings: `listen.port` in a file (nested or dotted), `--listen-port` as a flag,
/// `HEDGEROW_LISTEN_PORT` in the environment.
public struct SettingKey: Hashable, Sendable {
    /// What values a key takes.
    public enum Kind: Hashable, Sendable {
        /// Any text that is not empty.
        case text
        /// A path of a file or directory; not empty.
        case path
        /// A whole number in a range.
        case integer(ClosedRange<Int>)
        /// A number in a range.
        case number(ClosedRange<Double>)
        /// `true` or `false` (in the environment also `yes`, `no`, `1`, `0`; as a flag also without a value, and
        /// `--no-NAME`).
        case boolean
        /// A span of time in a range, written `90s`, `12h`, `7d`.
        case duration(ClosedRange<TimeSpan>)
        /// A number of bytes in a range, written `64KiB`, `2GB`, `65536`.
        case size(ClosedRange<ByteSize>)
        /// One of some words.
        case choice([String])
        /// Several texts: a list in a file, separated by commas in the environment, and a flag that may be
        /// repeated or have commas.
        case list
    }

    /// Name, levels separated by dots, each in camel case: `listen.port`.
    public let name: String
    /// What values it takes.
    public let kind: Kind
    /// The value where nobody sets one, in the form of the environment; nil where there is none.
    public let defaultValue: String?
    /// What it is for: one line for people, with unit and limits where the kind does not say them.
    public let summary: String
    /// Whether the value is never shown.
    public let isSecret: Bool

    /// Declares a key.
    ///
    /// - Parameters:
    ///   - defaultValue: the value where nobody sets one; nil where there is none.
    ///   - isSecret: whether the value is never shown.
    public init(
        name: String, _ kind: Kind, default defaultValue: String? = nil, summary: String,
        isSecret: Bool = false
    ) {
        self.name = name
        self.kind = kind
        self.defaultValue = defaultValue
        self.summary = summary
        self.isSecret = isSecret
    }

    /// The flag: `--listen-port`.
    public var flag: String { "--" + words(separator: "-").lowercased() }

    /// The environment variable: `HEDGEROW_LISTEN_PORT`.
    public var environmentVariable: String {
        Settings.environmentPrefix + words(separator: "_").uppercased()
    }

    /// The words of the name, a camel-case hump beginning a new one.
    private func words(separator: Character) -> String {
        var result = ""
        var previous: Character?
        for character in name {
            if character == "." || character == "-" || character == "_" {
                result.append(separator)
            } else {
                if character.isUppercase, previous?.isLowercase == true { result.append(separator) }
                result.append(character)
            }
            previous = character
        }
        return result
    }
}
