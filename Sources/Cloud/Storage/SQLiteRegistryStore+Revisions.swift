import Components
import FoundationEssentials
import GRDB

/// Revisions of groups, and trials of what would make them.
extension SQLiteRegistryStore {
    func trial(_ batch: RegistryBatch, at time: Date) async throws -> RegistryTrial {
        try await database.write { db in
            var trial = RegistryTrial()
            // Everything is made, seen, and taken back.
            try db.inSavepoint {
                trial.types = try batch.types.map { type in
                    try Self.outcome { try Self.put(type, in: db) }
                }
                trial.things = try batch.things.map { thing in
                    try Self.outcome { try Self.put(thing, at: time, in: db) }
                }
                let isSound = trial.things.allSatisfy(\.fits) && trial.types.allSatisfy(\.fits)
                trial.groups = try batch.groups.map { group in
                    guard isSound else { return .untried }
                    return try Self.outcome { try Self.apply(group, at: time, author: "", in: db) }
                }
                return .rollback
            }
            return trial
        }
    }

    private static func outcome<Value: Sendable>(
        _ body: () throws -> Value
    ) throws -> RegistryTrial.Outcome<Value> {
        do {
            return .fits(try body())
        } catch let error as StoreError {
            return .refused(error)
        }
    }

    func revisions(of group: String, before number: UInt64, limit: Int) async throws -> [RevisionRecord] {
        try await database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM group_revision WHERE fleet_group = ? AND revision < ?
                    ORDER BY revision DESC LIMIT ?
                    """,
                arguments: [group, Int64(clamping: number), limit]
            ).map(Self.revision(from:))
        }
    }

    // MARK: In a transaction

    /// Makes the next revision of a group, selectors resolved, or changes nothing where the newest says the same.
    static func apply(
        _ written: GroupDefinition, at time: Date, author: String, in db: Database
    ) throws -> AppliedRevision {
        let candidates = written.usesSelectors ? try selectorCandidates(in: db) : []
        let resolution = written.resolvingSelectors(among: candidates)
        if !resolution.problems.isEmpty { throw StoreError.invalidMembers(resolution.problems) }
        let definition = resolution.definition
        try checkMembers(of: definition, in: db)
        let existing = try group(named: definition.name, in: db)
        var applied = AppliedRevision(
            revision: RevisionRecord(
                group: definition.name, number: (existing?.newest.number ?? 0) + 1, definition: definition,
                createTime: time, author: author),
            changed: true, created: existing == nil, previous: existing?.newest,
            warnings: resolution.warnings)
        if let newest = existing?.newest, newest.definition.isEquivalent(to: definition) {
            applied.revision = newest
            applied.changed = false
        } else {
            try insert(applied.revision, isNew: existing == nil, in: db)
        }
        return applied
    }
}

extension RegistryTrial.Outcome {
    var fits: Bool { if case .fits = self { true } else { false } }
}
