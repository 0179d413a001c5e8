import Components
import FoundationEssentials
import Identity

/// What a registered thing is.
enum ThingKind: String, CaseIterable, Hashable, Sendable {
    /// A device.
    case thing
    /// A thing that runs an edge core.
    case core

    /// The role in its certificates.
    var role: Role {
        switch self {
        case .thing: .thing
        case .core: .core
        }
    }
}

/// A registered thing or core.
struct ThingRecord: Hashable, Sendable {
    var name: String
    var kind: ThingKind
    var attributes: [String: String]
    var createTime: Date
    /// When it was last connected; nil where never.
    var lastSeenTime: Date?
    /// Group whose newest revision names it.
    var group: String?
}

/// Makes a creation idempotent: the client's id and a digest of what it asked for.
struct RequestKey: Hashable, Sendable {
    var id: String
    var digest: [UInt8]
}

/// One immutable revision of a group.
struct RevisionRecord: Hashable, Sendable {
    var group: String
    var number: UInt64
    var definition: GroupDefinition
    var createTime: Date
}

/// A group and its newest revision.
struct GroupRecord: Hashable, Sendable {
    var name: String
    var createTime: Date
    var newest: RevisionRecord
}

/// What applying a definition did.
struct AppliedRevision: Hashable, Sendable {
    var revision: RevisionRecord
    var changed: Bool
    var created: Bool
}

/// An address that a core said it listens at.
struct CoreEndpoint: Hashable, Sendable, Codable {
    var host: String
    var port: Int
    var metadata: String
}

/// A revision by name.
struct RevisionID: Hashable, Sendable {
    var group: String
    var number: UInt64
}

/// What the cloud knows of a core from its attachments.
struct CoreRecord: Hashable, Sendable {
    var name: String
    var version: String
    var endpoints: [CoreEndpoint]
    /// Revision that it runs, nil where none.
    var active: RevisionID?
    /// Clock of the core minus the cloud's, in milliseconds.
    var clockSkewMilliseconds: Int64
    /// Fingerprint of the CA that signed its newest server certificate.
    var serverAuthority: String?
}

/// What a certificate is for.
enum CertificateUsage: String, Hashable, Sendable {
    /// Shown by clients; signed by the issuing CA.
    case client
    /// Shown by a core to its things; signed by the group's CA.
    case server
}

/// A certificate that was issued.
struct CertificateRecord: Hashable, Sendable {
    var serialNumber: String
    var principal: Principal
    var usage: CertificateUsage
    /// Fingerprint of the CA that signed it.
    var authority: String
    /// SHA-256 of the public key.
    var keyFingerprint: String
    var notBefore: Date
    var notAfter: Date
    var issueTime: Date
    var revokeTime: Date?
}

/// What a CA is for.
enum AuthorityKind: String, Hashable, Sendable {
    case root
    case issuing
    case group
}

/// A CA's certificate. Its key is a file, named by the fingerprint.
struct AuthorityRecord: Hashable, Sendable {
    /// SHA-256 of the certificate, lower-case hexadecimal.
    var fingerprint: String
    var kind: AuthorityKind
    /// Only of a group's CA.
    var group: String?
    var certificatePEM: String
    var notBefore: Date
    var notAfter: Date
    var createTime: Date
    /// True for the one that signs.
    var signing: Bool
    /// Until when a certificate that it signed may be in use; nil where it signed none.
    var liveUntil: Date?
}

/// How far a deployment on a core is. The raw values are those of the wire and of the database.
enum CoreStage: Int, CaseIterable, Hashable, Sendable {
    case pending = 1
    case inProgress = 2
    case succeeded = 3
    case failed = 4
    case rolledBack = 5
    case canceled = 6
    case timedOut = 7

    /// Whether it has come to an end.
    var isFinished: Bool { self != .pending && self != .inProgress }
}

/// How far a core is.
struct CoreDeploymentRecord: Hashable, Sendable {
    var core: String
    var stage: CoreStage
    var reason: String
    var updateTime: Date
}

/// A revision on its way to its cores.
struct DeploymentRecord: Hashable, Sendable {
    /// Order of creation.
    var sequence: Int64
    var id: String
    var group: String
    var revision: UInt64
    var createTime: Date
    var cores: [CoreDeploymentRecord]
    /// What the component instances were resolved to, by instance.
    var lock: [LockedComponent]
}

/// What a core is to run now.
struct AssignmentRecord: Hashable, Sendable {
    var sequence: Int64
    var deploymentID: String
    var revision: RevisionRecord
    /// What its component instances were resolved to, by instance.
    var lock: [LockedComponent]
}
