public import FoundationEssentials
public import Identity
public import PKI
public import RPCSupport
import X509

/// A cloud's authorities for tests, and identities under them. Keys are real, nothing touches the disk.
public struct TestPKI: Sendable {
    /// The trust domain of all identities made here, unless another is asked for.
    public static let trustDomain = "test.example"

    /// The trust domain.
    public let trustDomain: String
    /// The root.
    public let root: CertificateAuthority
    /// The issuing authority under it.
    public let issuing: CertificateAuthority

    /// Makes a root and an issuing authority.
    public init(trustDomain: String = TestPKI.trustDomain, now: Date = Date()) throws {
        self.trustDomain = trustDomain
        root = try CertificateAuthority.makeRoot(trustDomain: trustDomain, now: now)
        issuing = try root.makeIssuing(now: now)
    }

    /// A client certificate and its key.
    public func client(
        _ role: Role, _ name: String, now: Date = Date(),
        validity: Duration = CertificateAuthority.Validity.client
    ) throws -> ClientIdentity {
        let key = PrivateKey.generate()
        let leaf = try issuing.issueClient(
            request: key.signingRequest(commonName: name), principal: Principal(role: role, name: name),
            trustDomain: trustDomain, now: now, validity: validity)
        return ClientIdentity(chainPEM: leaf.chainPEM, keyPEM: key.pem)
    }

    /// The cloud's server certificate and its key, for loopback.
    public func cloudServer(now: Date = Date()) throws -> ClientIdentity {
        try Self.server(
            spiffeID: CloudIdentity.spiffeID(trustDomain: trustDomain), dnsName: CloudIdentity.serverName,
            authority: issuing, now: now)
    }

    /// A core's server certificate and its key under a group's authority, for loopback.
    public func coreServer(_ core: String, group: CertificateAuthority, now: Date = Date()) throws
        -> ClientIdentity
    {
        try Self.server(
            spiffeID: Principal(role: .core, name: core).spiffeID(trustDomain: trustDomain),
            dnsName: CoreServerName.name(forCore: core), authority: group, now: now)
    }

    /// A group's authority.
    public func group(_ name: String, now: Date = Date()) throws -> CertificateAuthority {
        try CertificateAuthority.makeGroup(group: name, now: now)
    }

    /// What a server checks its clients with.
    public func clientVerifier(
        now: @escaping @Sendable () -> Date = { Date() },
        isRevoked: @escaping @Sendable (String) -> Bool = { _ in false }
    ) -> PeerVerifier {
        PeerVerifier(
            roots: [root.certificate], trustDomain: trustDomain, usage: .client, now: now,
            isRevoked: isRevoked)
    }

    /// What a client checks the cloud with.
    public func cloudVerifier(
        now: @escaping @Sendable () -> Date = { Date() },
        isRevoked: @escaping @Sendable (String) -> Bool = { _ in false }
    ) -> PeerVerifier {
        PeerVerifier(
            roots: [root.certificate], trustDomain: trustDomain, usage: .server,
            expectedSPIFFEID: CloudIdentity.spiffeID(trustDomain: trustDomain), now: now, isRevoked: isRevoked
        )
    }

    /// What a client checks a core with.
    public func coreVerifier(
        _ core: String, groups: [CertificateAuthority], now: @escaping @Sendable () -> Date = { Date() }
    ) throws -> PeerVerifier {
        PeerVerifier(
            roots: groups.map(\.certificate), trustDomain: trustDomain, usage: .server,
            expectedSPIFFEID: try Principal(role: .core, name: core).spiffeID(trustDomain: trustDomain),
            now: now)
    }

    /// Any server certificate and its key, for loopback.
    public static func server(
        spiffeID: String, dnsName: String, authority: CertificateAuthority, now: Date = Date()
    ) throws -> ClientIdentity {
        let key = PrivateKey.generate()
        let leaf = try authority.issueServer(
            request: key.signingRequest(commonName: dnsName), spiffeID: spiffeID,
            dnsNames: [dnsName, "localhost"],
            ipAddresses: ["127.0.0.1", "::1"], now: now)
        return ClientIdentity(chainPEM: leaf.chainPEM, keyPEM: key.pem)
    }
}

extension ReloadableCertificate {
    /// A server's certificate from ``TestPKI``.
    public convenience init(_ identity: ClientIdentity) throws {
        try self.init(chainPEM: identity.chainPEM, keyPEM: identity.keyPEM)
    }
}
