import Components
import FoundationEssentials

/// Keeps things, cores, groups and their revisions.
///
/// Every function is one transaction: it happens wholly or, where it throws, not at all.
protocol RegistryStore: Sendable {
    /// Registers a thing. A repeat of the same request returns what the first one made.
    ///
    /// - Throws: ``StoreError/alreadyExists(_:)``, ``StoreError/requestIDReused``.
    func createThing(_ thing: ThingRecord, request: RequestKey?) async throws -> ThingRecord

    /// One thing, nil where there is none.
    func thing(named name: String) async throws -> ThingRecord?

    /// Things after a name, by name; `kind` nil means both.
    func things(of kind: ThingKind?, after name: String, limit: Int) async throws -> [ThingRecord]

    /// Deletes a thing, its tokens and what is known of it as a core, and revokes its certificates.
    ///
    /// - Returns: what was deleted, and the revoked serial numbers.
    /// - Throws: ``StoreError/notFound(_:)``, ``StoreError/inUse(_:)`` while a group's newest revision names
    ///   it.
    func deleteThing(named name: String, at time: Date) async throws -> (ThingRecord, revoked: [String])

    /// Remembers when things were last connected. Unknown names are ignored.
    func recordSeen(_ times: [String: Date]) async throws

    /// Makes the next revision of a group, or changes nothing where the newest says the same.
    ///
    /// The group's first CA is stored in the same transaction, so that there is no group without one.
    ///
    /// - Parameters:
    ///   - authority: the CA that a new group gets; ignored where the group exists.
    ///   - dryRun: check and compare only.
    /// - Throws: ``StoreError/invalidMembers(_:)`` where a name is not registered, has the wrong kind or
    ///   belongs to another group.
    func apply(
        _ definition: GroupDefinition, at time: Date, authority: AuthorityRecord?, dryRun: Bool
    ) async throws -> AppliedRevision

    /// One group, nil where there is none.
    func group(named name: String) async throws -> GroupRecord?

    /// Groups after a name, by name.
    func groups(after name: String, limit: Int) async throws -> [GroupRecord]

    /// One revision, nil where there is none.
    func revision(_ id: RevisionID) async throws -> RevisionRecord?

    /// The group whose newest revision names a thing or core.
    func group(naming member: String) async throws -> String?
}
