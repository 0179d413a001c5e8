/// Why a row is not an ordinary reading.
public struct RowStatus: Hashable, Sendable {
    /// The ways not to be one.
    public enum Kind: Hashable, Sendable {
        /// The sample failed; the row has no values.
        case failed
        /// A component failed on it (a dead letter); the values are those that the component was given.
        case notProcessed
    }

    /// Which way.
    public var kind: Kind
    /// Why, for people; at most 256 bytes.
    public var reason: String

    /// Makes a status.
    public init(_ kind: Kind, reason: String) {
        self.kind = kind
        self.reason = reason
    }
}
