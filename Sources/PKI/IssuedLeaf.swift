public import FoundationEssentials
public import X509

/// A certificate that an authority of ours has made for a server or a client.
public struct IssuedLeaf: Sendable {
    /// The certificate.
    public let certificate: Certificate
    /// The leaf first, then the authority that signed it, as PEM; the root is not in it.
    public let chainPEM: String
    /// Serial number, lower-case hexadecimal.
    public let serialNumber: String
    /// When it begins to be valid.
    public let notBefore: Date
    /// When it ends to be valid.
    public let notAfter: Date
    /// When to renew it at the latest: two thirds of its validity.
    public let renewTime: Date

    init(certificate: Certificate, authority: Certificate) throws(PKIError) {
        self.certificate = certificate
        chainPEM = try certificate.pemText() + authority.pemText()
        serialNumber = certificate.serialNumberText
        notBefore = certificate.notValidBefore
        notAfter = certificate.notValidAfter
        renewTime = certificate.renewTime
    }
}
