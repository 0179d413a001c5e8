/// Why certificates or keys could not be used or made.
public struct PKIError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of failure, for programs.
    public enum Kind: String, Hashable, Sendable {
        /// Text that should be PEM of a certificate or a key is not.
        case badPEM
        /// A key does not belong to the certificate that it came with.
        case keyMismatch
        /// A certificate signing request cannot be used. On the wire: `BAD_SIGNING_REQUEST`.
        case badSigningRequest
        /// A name or address cannot go into a certificate.
        case badName
        /// The authority itself has expired, or may not sign.
        case authorityUnusable
    }

    /// Which kind.
    public let kind: Kind
    /// One sentence for people.
    public let description: String

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
