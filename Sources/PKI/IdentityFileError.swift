/// Why a token file or an identity directory cannot be used.
public struct IdentityFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of failure, for programs.
    public enum Kind: String, Hashable, Sendable {
        /// There is nothing.
        case absent
        /// There is something, and it cannot be read. Never to be taken for `absent`: what looks empty after
        /// a power cut is a fault to report, not a reason to begin anew (lesson 1).
        case unreadable
        /// It can be read, and its parts do not belong together.
        case inconsistent
        /// It cannot be written.
        case unwritable
    }

    /// Which kind.
    public let kind: Kind
    /// One sentence for people.
    public let description: String

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    /// What a decoder found wrong, in a few words and without quoting content.
    static func explain(_ error: any Error) -> String {
        func path(_ keys: [any CodingKey]) -> String { keys.map(\.stringValue).joined(separator: ".") }
        switch error as? DecodingError {
        case .keyNotFound(let key, let context)?: return "\(path(context.codingPath + [key])) is missing"
        case .typeMismatch(_, let context)?, .valueNotFound(_, let context)?:
            return "\(path(context.codingPath)) has the wrong type"
        case .dataCorrupted(let context)?:
            return context.codingPath.isEmpty
                ? "it is not JSON" : "\(path(context.codingPath)) has no valid value"
        default: return "it cannot be decoded"
        }
    }
}
