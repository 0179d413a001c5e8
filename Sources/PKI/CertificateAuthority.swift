public import FoundationEssentials
public import Identity
import SwiftASN1
public import X509

/// An authority of ours and its key: the root, the issuing authority under it, or a group's.
///
/// All certificates begin an hour before they are made, for peers whose clock is behind. No certificate
/// outlives the authority that signs it.
public struct CertificateAuthority: Sendable {
    /// How long things are valid by default.
    public enum Validity {
        /// The root: 20 years.
        public static let root: Duration = .seconds(20 * 365 * 86_400)
        /// The issuing authority: 5 years.
        public static let issuing: Duration = .seconds(5 * 365 * 86_400)
        /// A group's authority: 400 days (semantics, section 7).
        public static let group: Duration = .seconds(400 * 86_400)
        /// A client certificate: 365 days.
        public static let client: Duration = .seconds(365 * 86_400)
        /// A server certificate: 90 days.
        public static let server: Duration = .seconds(90 * 86_400)
    }

    /// How long before its making a certificate begins to be valid: 1 h.
    public static let backdating: TimeInterval = 3_600
    /// Most DNS names and most addresses of one server certificate.
    public static let maximumNames = 64

    /// The authority's certificate.
    public let certificate: Certificate
    /// The same as PEM.
    public let certificatePEM: String
    /// The authority's key: a secret that never leaves the cloud.
    public let key: PrivateKey

    /// Puts an authority together from what was stored.
    ///
    /// - Throws: ``PKIError``: not PEM, not an authority's certificate, or a key that does not belong to it.
    public init(certificatePEM: String, keyPEM: String) throws(PKIError) {
        let certificates = try Certificates.parse(pem: certificatePEM)
        guard certificates.count == 1, let certificate = certificates.first else {
            throw PKIError(.badPEM, "the authority's certificate must be alone in its PEM text")
        }
        try self.init(certificate: certificate, key: PrivateKey(pem: keyPEM))
    }

    private init(certificate: Certificate, key: PrivateKey) throws(PKIError) {
        guard certificate.publicKey == key.key.publicKey else {
            throw PKIError(.keyMismatch, "the key does not belong to the authority's certificate")
        }
        guard case .isCertificateAuthority? = try? certificate.extensions.basicConstraints else {
            throw PKIError(
                .authorityUnusable, "the certificate of \(certificate.subject) is not an authority's")
        }
        self.certificate = certificate
        self.key = key
        certificatePEM = try certificate.pemText()
    }

    /// Makes the root of a trust domain: self-signed, for authorities directly below it only.
    ///
    /// - Throws: ``PKIError`` of kind `badName` where the trust domain breaks the rule.
    public static func makeRoot(
        trustDomain: String, now: Date, validity: Duration = Validity.root
    ) throws(PKIError) -> CertificateAuthority {
        guard TrustDomain.isValid(trustDomain) else {
            throw PKIError(
                .badName,
                "\"\(trustDomain.prefix(255))\" is no trust domain; it has 1 to 255 of the characters a-z 0-9 . _ -"
            )
        }
        let key = PrivateKey.generate()
        return try makeAuthority(
            name: "Hedgerow root \(trustDomain.prefix(32))", key: key, signer: nil, pathLength: 1, now: now,
            validity: validity)
    }

    /// Makes an authority for leaves, under this one.
    public func makeIssuing(now: Date, validity: Duration = Validity.issuing) throws(PKIError)
        -> CertificateAuthority
    {
        let key = PrivateKey.generate()
        return try Self.makeAuthority(
            name: "Hedgerow issuing", key: key, signer: self, pathLength: 0, now: now, validity: validity)
    }

    /// Makes an authority for the servers of a group's cores: self-signed, for leaves only.
    public static func makeGroup(
        group: String, now: Date, validity: Duration = Validity.group
    ) throws(PKIError) -> CertificateAuthority {
        let key = PrivateKey.generate()
        return try makeAuthority(
            name: "Hedgerow group \(group.prefix(32))", key: key, signer: nil, pathLength: 0, now: now,
            validity: validity)
    }

    /// Signs a client certificate: SPIFFE ID of the principal, usage clientAuth.
    ///
    /// - Throws: ``PKIError``: the request cannot be used, or this authority has expired.
    public func issueClient(
        request: SigningRequest, principal: Principal, trustDomain: String, now: Date,
        validity: Duration = Validity.client
    ) throws(PKIError) -> IssuedLeaf {
        try issue(
            request: request, commonName: principal.name,
            names: [.uniformResourceIdentifier(principal.spiffeID(trustDomain: trustDomain))],
            usage: .clientAuth, now: now, validity: validity)
    }

    /// Signs a client certificate for a request in DER; see ``SigningRequest`` for what is refused.
    public func issueClient(
        request: [UInt8], principal: Principal, trustDomain: String, now: Date,
        validity: Duration = Validity.client
    ) throws(PKIError) -> IssuedLeaf {
        try issueClient(
            request: SigningRequest(der: request), principal: principal, trustDomain: trustDomain, now: now,
            validity: validity)
    }

    /// Signs a server certificate: SPIFFE ID, DNS names and addresses, usage serverAuth (and not clientAuth).
    ///
    /// - Parameters:
    ///   - dnsNames: at most ``maximumNames``; a wildcard is refused.
    ///   - ipAddresses: IP literals, at most ``maximumNames``.
    /// - Throws: ``PKIError``: the request or a name cannot be used, or this authority has expired.
    public func issueServer(
        request: SigningRequest, spiffeID: String, dnsNames: [String], ipAddresses: [String], now: Date,
        validity: Duration = Validity.server
    ) throws(PKIError) -> IssuedLeaf {
        guard dnsNames.count <= Self.maximumNames, ipAddresses.count <= Self.maximumNames else {
            throw PKIError(
                .badName, "a server certificate has at most \(Self.maximumNames) names and addresses each")
        }
        var names: [GeneralName] = [.uniformResourceIdentifier(spiffeID)]
        for name in dnsNames {
            guard Self.isDNSName(name) else {
                throw PKIError(
                    .badName, "\"\(name.prefix(255))\" is no DNS name that a certificate can carry")
            }
            names.append(.dnsName(name))
        }
        for address in ipAddresses {
            guard let literal = IPLiteral(address) else {
                throw PKIError(.badName, "\"\(address.prefix(255))\" is no IP address")
            }
            names.append(.ipAddress(ASN1OctetString(contentBytes: literal.bytes[...])))
        }
        return try issue(
            request: request, commonName: dnsNames.first ?? spiffeID, names: names, usage: .serverAuth,
            now: now,
            validity: validity)
    }

    /// Signs a server certificate for a request in DER; see ``SigningRequest`` for what is refused.
    public func issueServer(
        request: [UInt8], spiffeID: String, dnsNames: [String], ipAddresses: [String], now: Date,
        validity: Duration = Validity.server
    ) throws(PKIError) -> IssuedLeaf {
        try issueServer(
            request: SigningRequest(der: request), spiffeID: spiffeID, dnsNames: dnsNames,
            ipAddresses: ipAddresses,
            now: now, validity: validity)
    }
}

extension CertificateAuthority {
    private static func makeAuthority(
        name: String, key: PrivateKey, signer: CertificateAuthority?, pathLength: Int, now: Date,
        validity: Duration
    ) throws(PKIError) -> CertificateAuthority {
        let certificate: Certificate
        do {
            // The key's fingerprint makes the subject of every authority its own, so that a verifier never
            // has to try several of one name.
            let subject = try DistinguishedName {
                OrganizationName("Hedgerow")
                CommonName("\(name) \(key.publicKeyFingerprint.prefix(12))")
            }
            certificate = try Certificate(
                version: .v3,
                serialNumber: makeSerialNumber(),
                publicKey: key.key.publicKey,
                notValidBefore: now.addingTimeInterval(-backdating),
                notValidAfter: end(now, validity, signer?.certificate.notValidAfter),
                issuer: signer?.certificate.subject ?? subject,
                subject: subject,
                signatureAlgorithm: (signer?.key ?? key).key.defaultAlgorithm,
                extensions: try Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: pathLength))
                    Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                    SubjectKeyIdentifier(hash: key.key.publicKey)
                    AuthorityKeyIdentifier(
                        keyIdentifier: SubjectKeyIdentifier(hash: (signer?.key ?? key).key.publicKey)
                            .keyIdentifier)
                },
                issuerPrivateKey: (signer?.key ?? key).key)
        } catch {
            throw PKIError(.authorityUnusable, "no authority could be made: \(error)")
        }
        return try CertificateAuthority(certificate: certificate, key: key)
    }

    private func issue(
        request: SigningRequest, commonName: String, names: [GeneralName], usage: ExtendedKeyUsage.Usage,
        now: Date,
        validity: Duration
    ) throws(PKIError) -> IssuedLeaf {
        guard certificate.notValidAfter > now else {
            throw PKIError(
                .authorityUnusable,
                "the authority \(certificate.subject) expired at \(certificate.notValidAfter)")
        }
        let leaf: Certificate
        do {
            leaf = try Certificate(
                version: .v3,
                serialNumber: Self.makeSerialNumber(),
                publicKey: request.publicKey,
                notValidBefore: now.addingTimeInterval(-Self.backdating),
                notValidAfter: Self.end(now, validity, certificate.notValidAfter),
                issuer: certificate.subject,
                subject: try DistinguishedName { CommonName(String(commonName.prefix(64))) },
                signatureAlgorithm: key.key.defaultAlgorithm,
                extensions: try Certificate.Extensions {
                    Critical(BasicConstraints.notCertificateAuthority)
                    Critical(KeyUsage(digitalSignature: true))
                    try ExtendedKeyUsage([usage])
                    SubjectKeyIdentifier(hash: request.publicKey)
                    AuthorityKeyIdentifier(
                        keyIdentifier: SubjectKeyIdentifier(hash: certificate.publicKey).keyIdentifier)
                    SubjectAlternativeNames(names)
                },
                issuerPrivateKey: key.key)
        } catch {
            throw PKIError(.authorityUnusable, "no certificate could be made: \(error)")
        }
        return try IssuedLeaf(certificate: leaf, authority: certificate)
    }

    /// 16 random bytes, positive and never short: the first bit is 0 and the second 1. 126 random bits are
    /// above what CAs are asked for (CA/Browser Forum Baseline Requirements, section 7.1: at least 64).
    private static func makeSerialNumber() -> Certificate.SerialNumber {
        var random = SystemRandomNumberGenerator()
        var bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        bytes[0] = bytes[0] & 0x3f | 0x40
        return Certificate.SerialNumber(bytes: bytes)
    }

    private static func end(_ now: Date, _ validity: Duration, _ limit: Date?) -> Date {
        let end = now.addingTimeInterval(TimeInterval(validity.components.seconds))
        return limit.map { min($0, end) } ?? end
    }

    /// Letters, digits, hyphens in labels of at most 63 (RFC 1035, section 2.3.1; digits may lead).
    private static func isDNSName(_ name: String) -> Bool {
        guard !name.isEmpty, name.utf8.count <= 253, IPLiteral(name) == nil else { return false }
        return name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { byte in
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                        || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
                        || byte == UInt8(ascii: "_")
                }
        }
    }
}
