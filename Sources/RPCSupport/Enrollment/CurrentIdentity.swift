import FoundationEssentials
public import Identity
public import PKI
import Synchronization
public import X509

/// The identity that a process uses now: what ``IdentityRenewal`` renews, and whoever dials asks for.
///
/// Connections that are open keep the certificate that they were made with; new ones get the current one.
public final class CurrentIdentity: Sendable {
    /// Who.
    public let principal: Principal
    /// The cloud's trust domain.
    public let trustDomain: String
    /// The cloud's root: whom to trust on the cloud's side, and whom to trust as a client.
    public let roots: [Certificate]

    private let directory: IdentityDirectory
    private let state: Mutex<StoredIdentity>

    /// Takes an identity into use.
    ///
    /// - Parameters:
    ///   - identity: as loaded from the directory.
    ///   - directory: where it lives, and where its successors are stored.
    /// - Throws: `PKIError` where the root certificate cannot be read.
    public init(_ identity: StoredIdentity, directory: IdentityDirectory) throws(PKIError) {
        self.principal = identity.principal
        self.trustDomain = identity.trustDomain
        self.roots = try Certificates.parse(pem: identity.rootPEM)
        self.directory = directory
        self.state = Mutex(identity)
    }

    /// The identity as stored.
    public var stored: StoredIdentity { state.withLock { $0 } }

    /// Certificate and key to dial with.
    public var client: ClientIdentity {
        let identity = stored
        return ClientIdentity(chainPEM: identity.chainPEM, keyPEM: identity.keyPEM)
    }

    /// The SPIFFE ID that the cloud's server must show.
    public var cloudSPIFFEID: String { CloudIdentity.spiffeID(trustDomain: trustDomain) }

    /// The key to ask for the next certificate with; on disk when this returns.
    func pendingKey() async throws -> PrivateKey {
        try await BlockingIO.run { [directory] in try directory.pendingKey() }
    }

    /// Stores a renewed certificate and then takes it into use.
    ///
    /// - Throws: `IdentityFileError`; then the identity before stays in use.
    func renew(chainPEM: String, keyPEM: String, renewTime: Date) async throws {
        var identity = stored
        identity.chainPEM = chainPEM
        identity.keyPEM = keyPEM
        identity.renewTime = renewTime
        try await BlockingIO.run { [directory, identity] in try directory.save(identity) }
        state.withLock { $0 = identity }
    }
}
