public import FoundationEssentials
import Identity
import SwiftASN1
@_spi(FixedExpiryValidationTime) public import X509

/// Decides whether a peer's certificate chain is accepted, and why not.
///
/// It stands in for the whole check of the TLS library: RFC 5280 path validation at a time of our choosing
/// (see ``ClockFloor``), extended key usage, revocation by serial number, and the SPIFFE ID.
public struct PeerVerifier: Sendable {
    /// What the peer is to us.
    public enum Usage: Hashable, Sendable {
        /// It connects to us: its certificate must be for clientAuth and name a principal.
        case client
        /// We connect to it: its certificate must be for serverAuth; a principal or the cloud.
        case server
    }

    /// Most certificates of a chain that are looked at; a longer one is refused.
    public static let maximumChainLength = 8

    /// The authorities that are trusted.
    public let roots: [Certificate]
    /// The trust domain of the identities that are accepted.
    public let trustDomain: String
    /// What the peer is to us.
    public let usage: Usage
    /// The one SPIFFE ID that is accepted; nil for any of the trust domain.
    public let expectedSPIFFEID: String?

    private let now: @Sendable () -> Date
    private let isRevoked: @Sendable (String) -> Bool

    /// Makes a verifier.
    ///
    /// - Parameters:
    ///   - roots: the authorities that are trusted.
    ///   - trustDomain: of the identities that are accepted.
    ///   - usage: what the peer is to us.
    ///   - expectedSPIFFEID: the one SPIFFE ID that is accepted; nil for any of the trust domain.
    ///   - now: the time to validate at; ``ClockFloor/now()`` where the clock may be wrong. Called on the
    ///     network's threads, so it must not block.
    ///   - isRevoked: whether a serial number (lower-case hexadecimal) was revoked. Must not block either.
    public init(
        roots: [Certificate], trustDomain: String, usage: Usage, expectedSPIFFEID: String? = nil,
        now: @escaping @Sendable () -> Date = { Date() },
        isRevoked: @escaping @Sendable (String) -> Bool = { _ in false }
    ) {
        self.roots = roots
        self.trustDomain = trustDomain
        self.usage = usage
        self.expectedSPIFFEID = expectedSPIFFEID
        self.now = now
        self.isRevoked = isRevoked
    }

    /// Checks a chain as the peer sent it: leaf first, the others in any order.
    public func verify(chain: [Certificate]) async -> Result<VerifiedPeer, PeerRefusal> {
        guard let leaf = chain.first else { return .failure(.noCertificate) }
        guard chain.count <= Self.maximumChainLength else {
            return .failure(.malformed("its chain has \(chain.count) certificates"))
        }
        // Certificates count whole seconds, and are valid to the end of their last one.
        let time = Date(timeIntervalSince1970: now().timeIntervalSince1970.rounded(.down))
        // The signature is checked before anything that the certificate says is believed or logged.
        var verifier = Verifier(rootCertificates: CertificateStore(roots)) {
            RFC5280Policy(fixedExpiryValidationTime: time)
        }
        let validated: [Certificate]
        switch await verifier.validate(leaf: leaf, intermediates: CertificateStore(chain.dropFirst())) {
        case .validCertificate(let chain): validated = Array(chain)
        case .couldNotValidate(let failures): return .failure(Self.refusal(leaf, failures, time))
        }
        guard Self.isLeaf(leaf, for: usage) else { return .failure(.wrongUsage) }
        let serial = leaf.serialNumberText
        guard !isRevoked(serial) else { return .failure(.revoked(serialNumber: serial)) }
        return identity(of: leaf).map { id, principal in
            VerifiedPeer(
                spiffeID: id, principal: principal, serialNumber: serial, notAfter: leaf.notValidAfter,
                chain: validated)
        }
    }

    private func identity(of leaf: Certificate) -> Result<(String, Principal?), PeerRefusal> {
        guard let id = leaf.spiffeID else {
            return .failure(.noIdentity("it does not carry exactly one SPIFFE ID"))
        }
        if let expectedSPIFFEID, id != expectedSPIFFEID {
            return .failure(.unexpectedIdentity(expected: expectedSPIFFEID, actual: String(id.prefix(300))))
        }
        do {
            return .success((id, try Principal(spiffeID: id, trustDomain: trustDomain)))
        } catch {
            if usage == .server, id == CloudIdentity.spiffeID(trustDomain: trustDomain) {
                return .success((id, nil))
            }
            return .failure(.noIdentity(error.description))
        }
    }

    /// Whether a certificate is a leaf that may be used so. Without an extended key usage it may not: all of
    /// ours have one.
    private static func isLeaf(_ certificate: Certificate, for usage: Usage) -> Bool {
        let extensions = certificate.extensions
        guard case .notCertificateAuthority? = try? extensions.basicConstraints,
            let keyUsage = try? extensions.keyUsage, keyUsage.digitalSignature,
            let extended = try? extensions.extendedKeyUsage
        else { return false }
        return extended.contains(usage == .client ? .clientAuth : .serverAuth)
    }

    /// Finds the reason in what the validation left behind: chains that were found but break a rule.
    private static func refusal(
        _ leaf: Certificate, _ failures: [CertificateValidationResult.PolicyFailure], _ time: Date
    ) -> PeerRefusal {
        guard let failure = failures.first else {
            return .unknownAuthority(issuer: String(leaf.issuer.description.prefix(200)))
        }
        for index in failure.chain.startIndex..<failure.chain.endIndex {
            let certificate = failure.chain[index]
            if certificate.notValidAfter < time {
                return .expired(at: certificate.notValidAfter)
            }
            if certificate.notValidBefore > time {
                return .notYetValid(from: certificate.notValidBefore)
            }
        }
        return .malformed(String(failure.policyFailureReason.description.prefix(300)))
    }
}
