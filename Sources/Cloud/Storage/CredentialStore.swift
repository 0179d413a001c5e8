import FoundationEssentials
import Identity

/// An enrolment token as it is kept: never itself, only its digest.
struct TokenRecord: Hashable, Sendable {
    /// SHA-256 of the token.
    var digest: [UInt8]
    var principal: Principal
    var createTime: Date
    /// Until when it may be used for the first time.
    var expireTime: Date
}

/// Keeps CAs, tokens, and which certificates were issued and revoked.
///
/// Every function is one transaction: it happens wholly or, where it throws, not at all.
protocol CredentialStore: Sendable {
    /// Makes the cloud's root and issuing CA, unless there are some: compare-and-set, so that two processes
    /// that start at once never make two (lesson 15).
    ///
    /// - Returns: the CAs that are stored now, and whether they are the given ones.
    func createCloudAuthorities(
        root: AuthorityRecord, issuing: AuthorityRecord
    ) async throws -> (root: AuthorityRecord, issuing: AuthorityRecord, created: Bool)

    /// The cloud's root and issuing CA, nil where none was made yet.
    func cloudAuthorities() async throws -> (root: AuthorityRecord, issuing: AuthorityRecord)?

    /// CAs of a group, the newest first.
    func groupAuthorities(of group: String) async throws -> [AuthorityRecord]

    /// The CA that signs for each group.
    func signingGroupAuthorities() async throws -> [AuthorityRecord]

    /// Puts a new CA in the place of the one that signs, which stays stored.
    ///
    /// - Parameter expected: fingerprint of the CA that the new one replaces; nil replaces whichever signs.
    /// - Returns: false, and nothing changed, where another one signs by now.
    /// - Throws: ``StoreError/notFound(_:)``, ``StoreError/tooManyAuthorities(_:)``.
    func replaceGroupAuthority(with new: AuthorityRecord, expected: String?) async throws -> Bool

    /// Records a certificate, and until when its CA may be in use. Done before the certificate is sent.
    func recordIssued(_ certificate: CertificateRecord) async throws

    /// Client certificates of an identity, the newest first.
    func certificates(of principal: Principal, limit: Int) async throws -> [CertificateRecord]

    /// Revokes one certificate, or all and the tokens not yet used where `serialNumber` is nil.
    ///
    /// - Returns: serial numbers of those that were not revoked before and have not expired.
    func revoke(_ principal: Principal, serialNumber: String?, at time: Date) async throws -> [String]

    /// Serial numbers of revoked certificates that have not expired.
    func revokedSerialNumbers(at time: Date) async throws -> [String]

    /// Whether an identity may have a certificate: a thing or core must be registered as such.
    func mayHold(_ principal: Principal) async throws -> Bool

    /// Stores a token.
    ///
    /// - Throws: ``StoreError/notFound(_:)`` where a thing or core is not registered as such.
    func createToken(_ token: TokenRecord) async throws

    /// Uses a token: binds it to the key at the first use; later uses need the same key within `repeatable`.
    ///
    /// - Returns: whom it stands for; nil where it is unknown, expired, spent, bound to another key, or its
    ///   thing was deleted.
    func redeemToken(
        digest: [UInt8], keyFingerprint: String, at time: Date, repeatable: Duration
    ) async throws -> Principal?

    /// What was fixed for good under a key, nil where nothing was.
    func fixedSetting(_ key: String) async throws -> String?

    /// Fixes a value for good, unless there is one already.
    ///
    /// - Returns: the value that holds.
    func fix(_ key: String, to value: String) async throws -> String

    /// Deletes what no longer matters: tokens and certificates that expired before `time`, request ids made
    /// before `requestsBefore`, and group CAs that expired.
    ///
    /// - Returns: fingerprints of the deleted CAs.
    func prune(expiredBefore time: Date, requestsBefore: Date) async throws -> [String]
}
