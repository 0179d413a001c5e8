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
    /// Name of its type; empty where it has none.
    var type = ""
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
    /// Name of the operator who made it; empty where that was not kept.
    var author = ""
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
    /// The newest revision before.
    var previous: RevisionRecord?
    /// What became of its selectors and is probably not meant.
    var warnings: [String] = []
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
    /// When the core was told first; nil where it was not.
    var startTime: Date?
    /// Where it is while it is in progress, as the core says: a `DeploymentStage` of the wire, 0 where it does not.
    var step = 0
    /// When what it is at is over at the latest; nil where it is at nothing.
    var deadline: Date?
}

/// Whether a rollout goes on. The raw values are those of the wire and of the database.
enum RolloutState: Int, CaseIterable, Hashable, Sendable {
    case running = 1
    case paused = 2
    case canceled = 3
    case aborted = 4
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
    /// How it comes to its cores.
    var rollout = RolloutPolicy()
    /// Whether further cores are begun.
    var state = RolloutState.running
    /// Why it is paused, canceled or aborted.
    var stateReason = ""
    /// Who made it; empty for those of before this was kept.
    var creator = ""
    /// The deployment whose lock it was made with, as a rollback.
    var lockOf: String?
}

/// What an operator decides about a deployment.
enum RolloutDecision: Hashable, Sendable {
    case pause(reason: String)
    case resume
    case cancel(reason: String)
}

/// A rollout that may begin further cores.
struct OpenRollout: Hashable, Sendable {
    var deployment: String
    /// Cores that were not begun, in the order of the group's definition.
    var pending: [String]
    /// How many of them may be begun now.
    var admitted: Int
}

/// What a core is to run now.
struct AssignmentRecord: Hashable, Sendable {
    var sequence: Int64
    var deploymentID: String
    var revision: RevisionRecord
    var rollout: RolloutPolicy
    /// What its component instances were resolved to, by instance.
    var lock: [LockedComponent]
}
