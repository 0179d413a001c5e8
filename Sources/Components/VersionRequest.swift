import Identity

/// Which version of a component a group asks for: a range, or the version that an alias points at.
public enum VersionRequest: Hashable, Sendable {
    /// A version in the range; an exact version is a range of one.
    case range(VersionRange)
    /// The version that the alias of that name points at when it is resolved: `@live`.
    case alias(String)

    /// Reads a request: `@NAME` or a range.
    ///
    /// - Throws: ``InvalidVersionRange`` that says what is wrong.
    public init(parsing text: String) throws(InvalidVersionRange) {
        guard text.hasPrefix("@") else {
            self = .range(try VersionRange(parsing: text))
            return
        }
        let name = String(text.dropFirst())
        do throws(InvalidName) {
            try EntityName.validate(name)
        } catch {
            throw InvalidVersionRange(
                text: text, problem: "after @ comes the name of an alias, but the \(error)")
        }
        self = .alias(name)
    }

    /// The range; every version for an alias, which only the registry can look up.
    public var range: VersionRange {
        switch self {
        case .range(let range): range
        case .alias: .any
        }
    }

    /// The alias; nil for a range.
    public var alias: String? {
        if case .alias(let name) = self { name } else { nil }
    }

    /// The same request in one spelling.
    public var canonical: VersionRequest {
        switch self {
        case .range(let range): .range(range.canonical)
        case .alias: self
        }
    }
}

extension VersionRequest: CustomStringConvertible {
    /// As it is written.
    public var description: String {
        switch self {
        case .range(let range): range.description
        case .alias(let name): "@\(name)"
        }
    }
}

extension VersionRequest: Codable {
    /// Reads the text form.
    public init(from decoder: any Decoder) throws {
        try self.init(parsing: decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
