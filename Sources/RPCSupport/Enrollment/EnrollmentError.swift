/// Why something could not enrol or renew its certificate.
public struct EnrollmentError: Error, Sendable, CustomStringConvertible {
    /// What is wrong.
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        /// The cloud does not accept the token: unknown, spent, expired or bound to another key.
        case tokenNotAccepted
        /// The cloud cannot be reached now; trying again later may help.
        case unreachable
        /// Something answers, but it is not the cloud that the token file or the identity names.
        case notThisCloud
        /// The cloud refused the request for another reason.
        case refused
        /// The cloud's answer cannot be used.
        case badAnswer
        /// The directory already holds the identity of somebody else.
        case otherIdentity
    }

    /// What is wrong, for programs.
    public let kind: Kind
    /// What is wrong and what to do.
    public let description: String
    /// What caused it.
    public let cause: (any Error)?

    /// Makes an error.
    public init(_ kind: Kind, _ description: String, cause: (any Error)? = nil) {
        self.kind = kind
        self.description = description
        self.cause = cause
    }
}
