import Components
import FoundationEssentials
import GRDB
import Identity
import ShadowStore
import Shadows

/// The registry in the cloud's database.
struct SQLiteRegistryStore: RegistryStore {
    let database: CloudDatabase

    // MARK: Things

    func createThing(_ thing: ThingRecord, request: RequestKey?) async throws -> ThingRecord {
        try await database.write { db in
            if let earlier = try CreationRequests.resource(of: request, method: "CreateThing", in: db) {
                guard let stored = try Self.thing(named: earlier, in: db) else {
                    throw StoreError.notFound(
                        "the thing \"\(earlier)\" that the first request with this request_id made was deleted"
                    )
                }
                return stored
            }
            guard try Self.thing(named: thing.name, in: db) == nil else {
                throw StoreError.alreadyExists(
                    "a thing or core named \"\(thing.name)\" is registered already")
            }
            try Self.check(thing.definition, in: db)
            try Self.insert(thing, in: db)
            try CreationRequests.record(
                request, method: "CreateThing", resource: thing.name, at: thing.createTime, in: db)
            return try Self.thing(named: thing.name, in: db) ?? thing
        }
    }

    func thing(named name: String) async throws -> ThingRecord? {
        try await database.read { db in try Self.thing(named: name, in: db) }
    }

    func things(of kind: ThingKind?, after name: String, limit: Int) async throws -> [ThingRecord] {
        try await database.read { db in
            try Row.fetchAll(
                db,
                sql: Self.selectThing + " WHERE thing.name > ?1 AND (?2 IS NULL OR thing.kind = ?2)"
                    + " ORDER BY thing.name LIMIT ?3",
                arguments: [name, kind?.rawValue, limit]
            ).map(Self.thing(from:))
        }
    }

    func deleteThing(named name: String, at time: Date) async throws -> (ThingRecord, revoked: [String]) {
        try await database.write { db in
            guard let thing = try Self.thing(named: name, in: db) else {
                throw StoreError.notFound("no thing or core named \"\(name)\" is registered")
            }
            if let group = thing.group {
                throw StoreError.inUse(
                    "the newest revision of group \"\(group)\" names \"\(name)\"; take it out of the group first"
                )
            }
            let role = thing.kind.role.rawValue
            let revoked = try SQLiteCredentialStore.revoke(
                role: role, name: name, serialNumber: nil, at: time, in: db)
            try db.execute(sql: "DELETE FROM core_state WHERE core = ?", arguments: [name])
            // Another machine may get the name.
            try db.execute(sql: "DELETE FROM core_component WHERE core = ?", arguments: [name])
            try db.execute(sql: "DELETE FROM thing WHERE name = ?", arguments: [name])
            let shadows = ShadowTransaction(
                db, side: .cloud, limits: .cloud, now: time.milliseconds * 1_000, author: "cloud")
            try shadows.retireAll(of: name)
            try shadows.forget(core: name)
            // core_revision stays: what the core acknowledged before may still be on its way through another.
            return (thing, revoked)
        }
    }

    func recordSeen(_ times: [String: Date]) async throws {
        try await database.write { db in
            for (name, time) in times {
                try db.execute(
                    sql: """
                        UPDATE thing SET last_seen_time = max(coalesce(last_seen_time, 0), ?2) WHERE name = ?1
                        """,
                    arguments: [name, time.milliseconds])
            }
        }
    }

    private static let selectThing = """
        SELECT thing.*, group_member.fleet_group AS fleet_group
        FROM thing LEFT JOIN group_member ON group_member.name = thing.name
        """

    static func thing(named name: String, in db: Database) throws -> ThingRecord? {
        try Row.fetchOne(db, sql: selectThing + " WHERE thing.name = ?", arguments: [name])
            .map(thing(from:))
    }

    private static func thing(from row: Row) throws -> ThingRecord {
        let name: String = row["name"]
        guard let kind = ThingKind(rawValue: row["kind"]) else {
            throw CorruptRecord("the kind of \"\(name)\"")
        }
        return ThingRecord(
            name: name, kind: kind,
            attributes: try JSONText.decode([String: String].self, from: row["attributes"]),
            createTime: Date(milliseconds: row["create_time"]),
            lastSeenTime: (row["last_seen_time"] as Int64?).map(Date.init(milliseconds:)),
            group: row["fleet_group"], type: row["type"])
    }

    // MARK: Groups

    func apply(
        _ definition: GroupDefinition, at time: Date, author: String, authority: AuthorityRecord?,
        dryRun: Bool
    ) async throws -> AppliedRevision {
        try await database.write { db in
            var applied: AppliedRevision?
            try db.inSavepoint {
                let done = try Self.apply(definition, at: time, author: author, in: db)
                if !dryRun, done.created, let authority {
                    try SQLiteCredentialStore.insert(authority, in: db)
                }
                applied = done
                return dryRun ? .rollback : .commit
            }
            guard let applied else {
                throw CorruptRecord("a revision of \"\(definition.name)\" was not made")
            }
            return applied
        }
    }

    func group(named name: String) async throws -> GroupRecord? {
        try await database.read { db in try Self.group(named: name, in: db) }
    }

    func groups(after name: String, limit: Int) async throws -> [GroupRecord] {
        try await database.read { db in
            try Row.fetchAll(
                db, sql: Self.selectGroup + " WHERE fleet_group.name > ? ORDER BY fleet_group.name LIMIT ?",
                arguments: [name, limit]
            ).map(Self.group(from:))
        }
    }

    func revision(_ id: RevisionID) async throws -> RevisionRecord? {
        try await database.read { db in try Self.revision(id, in: db) }
    }

    func group(naming member: String) async throws -> String? {
        try await database.read { db in
            try String.fetchOne(
                db, sql: "SELECT fleet_group FROM group_member WHERE name = ?", arguments: [member])
        }
    }

    private static let selectGroup = """
        SELECT fleet_group.name AS fleet_group, fleet_group.create_time AS group_create_time,
            group_revision.revision, group_revision.definition, group_revision.create_time,
            group_revision.author
        FROM fleet_group JOIN group_revision
            ON group_revision.fleet_group = fleet_group.name
            AND group_revision.revision = fleet_group.newest_revision
        """

    static func group(named name: String, in db: Database) throws -> GroupRecord? {
        try Row.fetchOne(db, sql: selectGroup + " WHERE fleet_group.name = ?", arguments: [name])
            .map(group(from:))
    }

    private static func group(from row: Row) throws -> GroupRecord {
        GroupRecord(
            name: row["fleet_group"], createTime: Date(milliseconds: row["group_create_time"]),
            newest: try revision(from: row))
    }

    static func revision(_ id: RevisionID, in db: Database) throws -> RevisionRecord? {
        guard let number = Int64(exactly: id.number) else { return nil }
        return try Row.fetchOne(
            db, sql: "SELECT * FROM group_revision WHERE fleet_group = ? AND revision = ?",
            arguments: [id.group, number]
        ).map(revision(from:))
    }

    static func revision(from row: Row) throws -> RevisionRecord {
        RevisionRecord(
            group: row["fleet_group"], number: UInt64(row["revision"] as Int64),
            definition: try JSONText.decode(GroupDefinition.self, from: row["definition"]),
            createTime: Date(milliseconds: row["create_time"]), author: row["author"])
    }

    static func insert(_ revision: RevisionRecord, isNew: Bool, in db: Database) throws {
        let time = revision.createTime.milliseconds
        let number = Int64(clamping: revision.number)
        if isNew {
            try db.execute(
                sql: "INSERT INTO fleet_group (name, create_time, newest_revision) VALUES (?, ?, ?)",
                arguments: [revision.group, time, number])
        } else {
            try db.execute(
                sql: "UPDATE fleet_group SET newest_revision = ?2 WHERE name = ?1",
                arguments: [revision.group, number])
        }
        try db.execute(
            sql: """
                INSERT INTO group_revision (fleet_group, revision, definition, create_time, author)
                VALUES (?, ?, ?, ?, ?)
                """,
            arguments: [
                revision.group, number, try JSONText.encode(revision.definition), time, revision.author,
            ])
        try db.execute(sql: "DELETE FROM group_member WHERE fleet_group = ?", arguments: [revision.group])
        let insert = try db.cachedStatement(
            sql: "INSERT INTO group_member (name, fleet_group, kind) VALUES (?, ?, ?)")
        for (names, kind) in [
            (revision.definition.cores, ThingKind.core), (revision.definition.things, ThingKind.thing),
        ] {
            for name in Set(names) {
                try insert.execute(arguments: [name, revision.group, kind.rawValue])
            }
        }
    }

    /// Most problems that one answer lists.
    private static let maximumProblems = 100

    /// Checks that every name is registered as what the definition takes it for, and in no other group.
    static func checkMembers(of definition: GroupDefinition, in db: Database) throws {
        var problems: [DefinitionProblem] = []
        for (field, names, kind) in [
            ("cores", definition.cores, ThingKind.core), ("things", definition.things, ThingKind.thing),
        ] {
            for (index, name) in names.enumerated() where problems.count < maximumProblems {
                if let message = try memberProblem(name, kind: kind, group: definition.name, in: db) {
                    problems.append(DefinitionProblem(path: "\(field)[\(index)]", message: message))
                }
            }
        }
        if !problems.isEmpty { throw StoreError.invalidMembers(problems) }
    }

    private static func memberProblem(
        _ name: String, kind: ThingKind, group: String, in db: Database
    ) throws -> String? {
        guard let member = try thing(named: name, in: db) else {
            let option = kind == .core ? " --core" : ""
            return "no \(kind.rawValue) named \"\(name)\" is registered; create it first "
                + "(hedgerow things create\(option) \(name))"
        }
        if member.kind != kind {
            return "\"\(name)\" is registered as a \(member.kind.rawValue), not as a \(kind.rawValue)"
        }
        if let other = member.group, other != group {
            return "\"\(name)\" is in group \"\(other)\" already; take it out there first"
        }
        return nil
    }
}
