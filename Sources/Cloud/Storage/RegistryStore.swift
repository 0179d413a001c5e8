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

    /// The same, only those that a selector matches.
    func things(
        of kind: ThingKind?, after name: String, limit: Int, matching selector: ThingSelector
    ) async throws -> [ThingRecord]

    /// Sets the type and attributes of a thing.
    ///
    /// - Returns: the thing as it is now, and whether it was different before.
    /// - Throws: ``StoreError/notFound(_:)``, ``StoreError/invalidFields(_:)``.
    func changeThing(named name: String, _ change: ThingChange) async throws -> (ThingRecord, changed: Bool)

    /// Makes or changes a type of things.
    ///
    /// - Throws: ``StoreError/limitReached(_:)``.
    func putType(_ type: ThingTypeDefinition) async throws -> (created: Bool, changed: Bool)

    /// Types of things after a name, by name.
    func types(after name: String, limit: Int) async throws -> [ThingTypeDefinition]

    /// Deletes a type of things.
    ///
    /// - Throws: ``StoreError/notFound(_:)``, ``StoreError/inUse(_:)`` while a thing has it.
    func deleteType(named name: String) async throws

    /// What making some things and groups, one after the other, would do. It makes nothing.
    func trial(_ batch: RegistryBatch, at time: Date) async throws -> RegistryTrial

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
    /// Selectors of the definition are resolved to names in the same transaction. The group's first CA is stored in the same transaction, so that there is no group without one.
    ///
    /// - Parameters:
    ///   - author: name of the operator.
    ///   - authority: the CA that a new group gets; ignored where the group exists.
    ///   - dryRun: check and compare only.
    /// - Throws: ``StoreError/invalidMembers(_:)`` where a name is not registered, has the wrong kind or
    ///   belongs to another group.
    func apply(
        _ definition: GroupDefinition, at time: Date, author: String, authority: AuthorityRecord?,
        dryRun: Bool
    ) async throws -> AppliedRevision

    /// One group, nil where there is none.
    func group(named name: String) async throws -> GroupRecord?

    /// Groups after a name, by name.
    func groups(after name: String, limit: Int) async throws -> [GroupRecord]

    /// One revision, nil where there is none.
    func revision(_ id: RevisionID) async throws -> RevisionRecord?

    /// Revisions of a group below a number, the newest first.
    func revisions(of group: String, before number: UInt64, limit: Int) async throws -> [RevisionRecord]

    /// The group whose newest revision names a thing or core.
    func group(naming member: String) async throws -> String?
}
