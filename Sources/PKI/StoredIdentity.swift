public import FoundationEssentials
public import Identity
import X509

/// An identity as it is kept on disk: who, with which key and certificates, and where its cloud is.
public struct StoredIdentity: Codable, Hashable, Sendable, CustomStringConvertible {
    /// The version that this program reads and writes.
    public static let currentVersion = 1

    /// Version of the format; 1.
    public let version: Int
    /// Who.
    public var principal: Principal
    /// The cloud's trust domain.
    public var trustDomain: String
    /// The cloud's mutually authenticated listener, the best address first.
    public var cloud: [NetworkEndpoint]
    /// DNS name that the cloud's certificate carries.
    public var cloudServerName: String
    /// The private key, PEM: a secret.
    public var keyPEM: String
    /// Leaf first, then the issuing authority, PEM.
    public var chainPEM: String
    /// The cloud's root certificate, PEM.
    public var rootPEM: String
    /// When to renew at the latest.
    public var renewTime: Date

    /// Makes an identity.
    public init(
        principal: Principal, trustDomain: String, cloud: [NetworkEndpoint],
        cloudServerName: String = CloudIdentity.serverName, keyPEM: String, chainPEM: String, rootPEM: String,
        renewTime: Date
    ) {
        version = Self.currentVersion
        self.principal = principal
        self.trustDomain = trustDomain
        self.cloud = cloud
        self.cloudServerName = cloudServerName
        self.keyPEM = keyPEM
        self.chainPEM = chainPEM
        self.rootPEM = rootPEM
        self.renewTime = renewTime
    }

    /// Checks that the parts belong together: the key to the leaf, the leaf to the principal.
    ///
    /// - Throws: ``IdentityFileError`` of kind `inconsistent`.
    public func validate() throws(IdentityFileError) {
        let key: PrivateKey
        let leaf: String
        do throws(PKIError) {
            key = try PrivateKey(pem: keyPEM)
            let chain = try Certificates.parse(pem: chainPEM)
            _ = try Certificates.parse(pem: rootPEM)
            guard let first = chain.first, first.publicKey == key.key.publicKey else {
                throw PKIError(.keyMismatch, "the key does not belong to the certificate")
            }
            leaf = first.spiffeID ?? "nobody"
        } catch {
            throw IdentityFileError(
                .inconsistent, "the identity of \(principal) cannot be used: \(error.description)")
        }
        guard leaf == principal.spiffeID(trustDomain: trustDomain) else {
            throw IdentityFileError(
                .inconsistent, "the identity says \(principal), but its certificate is for \(leaf)")
        }
    }

    /// Who it is; never the key.
    public var description: String { "identity of \(principal) in \(trustDomain)" }
}
