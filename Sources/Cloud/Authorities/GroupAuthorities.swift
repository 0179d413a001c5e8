import FoundationEssentials
import Identity
import PKI
import Synchronization

/// The CAs of the groups: one that signs for each group, and older ones that things still need to trust.
final class GroupAuthorities: Sendable {
    private let store: any CredentialStore
    private let keys: KeyDirectory
    private let now: @Sendable () -> Date
    /// The CAs that sign, by group; looked up by what the database says, never instead of it.
    private let loaded = Mutex<[String: (fingerprint: String, authority: CertificateAuthority)]>([:])

    init(store: any CredentialStore, keys: KeyDirectory, now: @escaping @Sendable () -> Date) {
        self.store = store
        self.keys = keys
        self.now = now
    }

    /// Checks that every CA that signs can be used.
    ///
    /// - Throws: ``CloudStartError``.
    func verifyAll() async throws {
        for record in try await store.signingGroupAuthorities() {
            guard try await load(record) != nil else {
                let name = KeyDirectory.fileName(ofGroupAuthority: record.fingerprint)
                throw CloudStartError.keyMissing(keyFile: keys.file(name))
            }
        }
    }

    /// Makes a CA and puts its key on disk; the caller stores the record, or calls ``discard(_:)``.
    func prepare(for group: String) async throws -> AuthorityRecord {
        let time = now()
        let authority = try CertificateAuthority.makeGroup(group: group, now: time)
        let record = try AuthorityRecord(authority, kind: .group, group: group, at: time)
        try await keys.write(
            authority.key.pem, name: KeyDirectory.fileName(ofGroupAuthority: record.fingerprint))
        return record
    }

    /// Forgets a CA that was not stored, or that does not sign any more.
    func discard(_ fingerprint: String) async throws {
        try await keys.remove(KeyDirectory.fileName(ofGroupAuthority: fingerprint))
    }

    /// Puts a new CA in the place of the one that signs.
    ///
    /// - Parameter expected: fingerprint of the CA to replace; nil replaces whichever signs.
    /// - Returns: the new CA; nil where another one than expected signs by now.
    /// - Throws: ``StoreError/notFound(_:)``, ``StoreError/tooManyAuthorities(_:)``.
    func rotate(_ group: String, expected: String? = nil) async throws -> AuthorityRecord? {
        let old = try await store.groupAuthorities(of: group)
        guard !old.isEmpty else { throw StoreError.notFound("no group named \"\(group)\" exists") }
        let record = try await prepare(for: group)
        do {
            guard try await store.replaceGroupAuthority(with: record, expected: expected) else {
                try await discard(record.fingerprint)
                return nil
            }
        } catch {
            try? await discard(record.fingerprint)
            throw error
        }
        // What does not sign any more needs no key. One that a concurrent rotation made is left to the next.
        for authority in old { try await discard(authority.fingerprint) }
        return record
    }

    /// The CAs that things of a group need to trust, the newest first: the one that signs, and every one that
    /// may have signed a certificate that is still in use.
    func trusted(_ group: String) async throws -> [AuthorityRecord] {
        let time = now()
        return try await store.groupAuthorities(of: group).filter { authority in
            authority.notAfter > time && (authority.signing || authority.liveUntil.map { $0 > time } == true)
        }
    }

    /// Signs a server certificate for a core and records it; only then may it be sent.
    ///
    /// - Parameter addresses: what the core said it listens at; what is neither a DNS name nor an IP address is
    ///   left out, as is what is above the limits of a certificate.
    /// - Throws: `PKIError` of kind `badSigningRequest`; ``StoreError``.
    func issueServerCertificate(
        for core: Principal, group: String, request: SigningRequest, addresses: [String], trustDomain: String
    ) async throws -> (leaf: IssuedLeaf, authority: String) {
        let (fingerprint, authority) = try await signing(group)
        let time = now()
        let names = ServerNames(
            stableName: CoreServerName.name(forCore: core.name), addresses: addresses)
        let leaf = try authority.issueServer(
            request: request, spiffeID: core.spiffeID(trustDomain: trustDomain), dnsNames: names.dnsNames,
            ipAddresses: names.ipAddresses, now: time)
        try await store.recordIssued(
            CertificateRecord(
                serialNumber: leaf.serialNumber, principal: core, usage: .server, authority: fingerprint,
                keyFingerprint: request.publicKeyFingerprint, notBefore: leaf.notBefore,
                notAfter: leaf.notAfter,
                issueTime: time, revokeTime: nil))
        return (leaf, fingerprint)
    }

    /// The CA that signs for a group now.
    private func signing(_ group: String) async throws -> (
        fingerprint: String, authority: CertificateAuthority
    ) {
        // A rotation between the two steps takes the key away: then there is a newer record.
        for _ in 0..<3 {
            guard let record = try await store.groupAuthorities(of: group).first(where: \.signing) else {
                throw StoreError.notFound("the group \"\(group)\" has no certificate authority")
            }
            if let authority = try await load(record) { return (record.fingerprint, authority) }
        }
        throw CorruptRecord("the key of the certificate authority of group \"\(group)\" is missing")
    }

    /// A CA by its record; nil where its key is gone.
    private func load(_ record: AuthorityRecord) async throws -> CertificateAuthority? {
        let group = record.group ?? ""
        let known = loaded.withLock { $0[group] }
        if let known, known.fingerprint == record.fingerprint { return known.authority }
        let name = KeyDirectory.fileName(ofGroupAuthority: record.fingerprint)
        do {
            guard let pem = try await keys.read(name) else { return nil }
            let authority = try CertificateAuthority(certificatePEM: record.certificatePEM, keyPEM: pem)
            loaded.withLock { $0[group] = (record.fingerprint, authority) }
            return authority
        } catch let error as PKIError {
            throw CloudStartError.authorityUnusable(name: "of group \(group)", reason: error.description)
        } catch let error as FileFailure {
            throw CloudStartError.authorityUnusable(name: "of group \(group)", reason: error.description)
        }
    }
}
