public import FoundationEssentials

/// Why a peer's certificate was not accepted.
public enum PeerRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The peer showed no certificate.
    case noCertificate
    /// A certificate of the chain has expired.
    case expired(at: Date)
    /// A certificate of the chain is not valid yet: most likely one of the two clocks is wrong.
    case notYetValid(from: Date)
    /// No authority that is trusted here has signed it.
    case unknownAuthority(issuer: String)
    /// A client's certificate used as a server's, or the other way round, or an authority's own.
    case wrongUsage
    /// It was revoked.
    case revoked(serialNumber: String)
    /// It names no identity of this trust domain.
    case noIdentity(String)
    /// It names another server than the one that was meant.
    case unexpectedIdentity(expected: String, actual: String)
    /// The chain breaks a rule of RFC 5280, or cannot be read.
    case malformed(String)

    /// One word for each case, for counting and for limiting logs.
    public var cause: String {
        switch self {
        case .noCertificate: "noCertificate"
        case .expired: "expired"
        case .notYetValid: "notYetValid"
        case .unknownAuthority: "unknownAuthority"
        case .wrongUsage: "wrongUsage"
        case .revoked: "revoked"
        case .noIdentity: "noIdentity"
        case .unexpectedIdentity: "unexpectedIdentity"
        case .malformed: "malformed"
        }
    }

    /// One sentence that says what is wrong and what to do.
    public var description: String {
        switch self {
        case .noCertificate:
            "the peer showed no certificate; it must enrol first"
        case .expired(let time):
            "the peer's certificate expired at \(time.iso8601); it must enrol again, or a clock is wrong"
        case .notYetValid(let time):
            "the peer's certificate is valid only from \(time.iso8601); one of the two clocks is wrong"
        case .unknownAuthority(let issuer):
            "the peer's certificate was issued by \"\(issuer)\", which is not trusted here; "
                + "it belongs to another cloud or group, or the trusted authorities are out of date"
        case .wrongUsage:
            "the peer's certificate is for another use (clients and servers need different ones)"
        case .revoked(let serial):
            "the peer's certificate \(serial) was revoked; it needs a new token to enrol again"
        case .noIdentity(let why):
            "the peer's certificate names no identity of this cloud: \(why)"
        case .unexpectedIdentity(let expected, let actual):
            "the peer is \(actual), but \(expected) was expected at this address"
        case .malformed(let why):
            "the peer's certificate cannot be used: \(why)"
        }
    }
}

extension Date {
    var iso8601: String { formatted(.iso8601) }
}
