import FoundationEssentials
import Logging
import PKI
import X509

/// The cloud's own CAs: the root that everybody pins, and the issuing CA below it that signs clients and the
/// cloud's server certificate.
struct CloudAuthorities: Sendable {
    let root: CertificateAuthority
    let issuing: CertificateAuthority
    /// Fingerprint of the issuing CA, as the database has it.
    let issuingFingerprint: String

    /// Opens the stored CAs, or makes them at the first start.
    ///
    /// Making them is compare-and-set in the database: of two processes that start at once, one makes them and
    /// the other takes those (lesson 15). What is there but cannot be read is never made anew (lesson 1).
    ///
    /// - Throws: ``CloudStartError``.
    static func open(
        store: any CredentialStore, keys: KeyDirectory, trustDomain: String, now: Date, logger: Logger
    ) async throws -> CloudAuthorities {
        if let stored = try await store.cloudAuthorities() {
            return try await load(root: stored.root, issuing: stored.issuing, keys: keys)
        }
        for kind in [AuthorityKind.root, .issuing] {
            let name = KeyDirectory.fileName(of: kind)
            if try await keys.read(name) != nil {
                throw CloudStartError.databaseLost(keyFile: keys.file(name))
            }
        }
        let root = try CertificateAuthority.makeRoot(trustDomain: trustDomain, now: now)
        let issuing = try root.makeIssuing(now: now)
        for (authority, kind) in [(root, AuthorityKind.root), (issuing, .issuing)] {
            let name = KeyDirectory.stagedName(KeyDirectory.fileName(of: kind))
            try await keys.write(authority.key.pem, name: name)
        }
        let stored = try await store.createCloudAuthorities(
            root: AuthorityRecord(root, kind: .root, at: now),
            issuing: AuthorityRecord(issuing, kind: .issuing, at: now))
        if stored.created {
            logger.notice(
                "made the certificate authorities of a new cloud",
                metadata: [
                    "root.fingerprint": "\(stored.root.fingerprint)", "trust.domain": "\(trustDomain)",
                ])
        }
        return try await load(root: stored.root, issuing: stored.issuing, keys: keys)
    }

    private static func load(
        root: AuthorityRecord, issuing: AuthorityRecord, keys: KeyDirectory
    ) async throws -> CloudAuthorities {
        let rootAuthority = try await load(root, keys: keys)
        let issuingAuthority = try await load(issuing, keys: keys)
        let certificate = issuingAuthority.certificate
        guard rootAuthority.certificate.publicKey.isValidSignature(certificate.signature, for: certificate)
        else {
            throw CloudStartError.authorityUnusable(name: "issuing", reason: "the root has not signed it")
        }
        return CloudAuthorities(
            root: rootAuthority, issuing: issuingAuthority, issuingFingerprint: issuing.fingerprint)
    }

    private static func load(_ record: AuthorityRecord, keys: KeyDirectory) async throws
        -> CertificateAuthority
    {
        let name = KeyDirectory.fileName(of: record.kind)
        do {
            if let pem = try await keys.read(name) {
                return try CertificateAuthority(certificatePEM: record.certificatePEM, keyPEM: pem)
            }
            // The first start was cut short between the database and the last step of ``KeyDirectory``.
            guard let pem = try await keys.read(KeyDirectory.stagedName(name)) else {
                throw CloudStartError.keyMissing(keyFile: keys.file(name))
            }
            let authority = try CertificateAuthority(certificatePEM: record.certificatePEM, keyPEM: pem)
            try await keys.settle(name, pem: pem)
            return authority
        } catch let error as PKIError {
            throw CloudStartError.authorityUnusable(name: record.kind.rawValue, reason: error.description)
        } catch let error as FileFailure {
            throw CloudStartError.authorityUnusable(name: record.kind.rawValue, reason: error.description)
        }
    }
}

extension AuthorityRecord {
    /// What the database keeps of a new CA.
    init(_ authority: CertificateAuthority, kind: AuthorityKind, group: String? = nil, at time: Date) throws {
        self.init(
            fingerprint: try authority.certificate.sha256Fingerprint(), kind: kind, group: group,
            certificatePEM: authority.certificatePEM, notBefore: authority.certificate.notValidBefore,
            notAfter: authority.certificate.notValidAfter, createTime: time, signing: true, liveUntil: nil)
    }
}
