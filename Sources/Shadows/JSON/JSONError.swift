/// Why a text is not JSON that we take.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Kinds of problems.
    public enum Kind: Hashable, Sendable {
        /// Not JSON.
        case invalid
        /// Not UTF-8.
        case encoding
        /// Arrays and objects are nested deeper than allowed.
        case depth
        /// More bytes than allowed.
        case size
    }

    /// What kind of problem.
    public let kind: Kind
    /// What is wrong, without the place.
    public let problem: String
    /// Where, in bytes from the beginning.
    public let offset: Int

    /// Makes an error.
    public init(_ kind: Kind, _ problem: String, at offset: Int) {
        self.kind = kind
        self.problem = problem
        self.offset = offset
    }

    /// What is wrong, and where.
    public var description: String { "\(problem) at byte \(offset)" }
}
