public import FoundationEssentials
public import Identity
public import X509

/// A peer whose certificate was accepted.
public struct VerifiedPeer: Sendable {
    /// The SPIFFE ID in the certificate.
    public let spiffeID: String
    /// Who it is; nil for the cloud itself, which is no principal.
    public let principal: Principal?
    /// Serial number, lower-case hexadecimal.
    public let serialNumber: String
    /// When the certificate expires.
    public let notAfter: Date
    /// Leaf first, trusted authority last.
    public let chain: [Certificate]
}
