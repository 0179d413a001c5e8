import Components
import FoundationEssentials
import GRDB

/// Types and attributes of things, and what selectors find.
extension SQLiteRegistryStore {
    /// Most types.
    static let maximumTypes = 1_000
    /// Things that are read at a time while a selector is looked for.
    private static let stride = 1_000

    func things(
        of kind: ThingKind?, after name: String, limit: Int, matching selector: ThingSelector
    ) async throws -> [ThingRecord] {
        var found: [ThingRecord] = []
        var last = name
        while found.count < limit {
            let some = try await things(of: kind, after: last, limit: Self.stride)
            guard let end = some.last else { break }
            found += some.filter { selector.matches($0.facts) }
            last = end.name
        }
        return Array(found.prefix(limit))
    }

    func changeThing(named name: String, _ change: ThingChange) async throws -> (ThingRecord, changed: Bool) {
        try await database.write { db in
            guard let stored = try Self.thing(named: name, in: db) else {
                throw StoreError.notFound("no thing or core named \"\(name)\" is registered")
            }
            let wanted = change.applied(to: stored)
            if wanted == stored { return (stored, false) }
            try Self.check(wanted.definition, in: db)
            try Self.update(wanted, in: db)
            return (wanted, true)
        }
    }

    func putType(
        _ type: ThingTypeDefinition
    ) async throws -> (created: Bool, changed: Bool) {
        try await database.write { db in
            let before = try Self.put(type, in: db)
            return (before == nil, before != type)
        }
    }

    func types(after name: String, limit: Int) async throws -> [ThingTypeDefinition] {
        try await database.read { db in
            try Row.fetchAll(
                db, sql: "SELECT * FROM thing_type WHERE name > ? ORDER BY name LIMIT ?",
                arguments: [name, limit]
            ).map(Self.type(from:))
        }
    }

    func deleteType(named name: String) async throws {
        try await database.write { db in
            let user = try String.fetchOne(
                db, sql: "SELECT name FROM thing WHERE type = ? ORDER BY name LIMIT 1", arguments: [name])
            if let user {
                throw StoreError.inUse(
                    "the thing \"\(user)\" is of the type \"\(name)\"; give it another type first")
            }
            try db.execute(sql: "DELETE FROM thing_type WHERE name = ?", arguments: [name])
            if db.changesCount == 0 {
                throw StoreError.notFound("no type of things named \"\(name)\" exists")
            }
        }
    }

    // MARK: In a transaction

    static func type(named name: String, in db: Database) throws -> ThingTypeDefinition? {
        try Row.fetchOne(db, sql: "SELECT * FROM thing_type WHERE name = ?", arguments: [name])
            .map(type(from:))
    }

    private static func type(from row: Row) throws -> ThingTypeDefinition {
        ThingTypeDefinition(
            name: row["name"], description: row["description"],
            attributes: try JSONText.decode([String: String].self, from: row["attributes"]))
    }

    /// - Returns: the type before, nil where there was none.
    static func put(_ type: ThingTypeDefinition, in db: Database) throws -> ThingTypeDefinition? {
        let before = try self.type(named: type.name, in: db)
        if before == nil {
            let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM thing_type") ?? 0
            if count >= maximumTypes {
                throw StoreError.limitReached(
                    "there are \(count) types of things, and no more are kept; delete one")
            }
        }
        try db.execute(
            sql: """
                INSERT INTO thing_type (name, description, attributes) VALUES (?1, ?2, ?3)
                ON CONFLICT (name) DO UPDATE SET description = ?2, attributes = ?3
                """,
            arguments: [type.name, type.description, try JSONText.encode(type.attributes)])
        return before
    }

    /// Makes a thing what a definition says, or makes it.
    ///
    /// - Returns: the thing before, nil where there was none.
    static func put(_ thing: ThingDefinition, at time: Date, in db: Database) throws -> ThingDefinition? {
        guard let stored = try self.thing(named: thing.name, in: db) else {
            try check(thing, in: db)
            try insert(
                ThingRecord(
                    name: thing.name, kind: thing.isCore ? .core : .thing, attributes: thing.attributes,
                    createTime: time, type: thing.type), in: db)
            return nil
        }
        guard (stored.kind == .core) == thing.isCore else {
            throw StoreError.alreadyExists(
                "\"\(thing.name)\" is registered as a \(stored.kind.rawValue); "
                    + (thing.isCore ? "remove core: true" : "write core: true"))
        }
        if stored.definition != thing {
            try check(thing, in: db)
            var wanted = stored
            wanted.type = thing.type
            wanted.attributes = thing.attributes
            try update(wanted, in: db)
        }
        return stored.definition
    }

    /// Checks a thing by its type.
    static func check(_ thing: ThingDefinition, in db: Database) throws {
        let type = thing.type.isEmpty ? nil : try self.type(named: thing.type, in: db)
        let problems = ThingRules.problems(with: thing, type: type)
        if !problems.isEmpty { throw StoreError.invalidFields(problems) }
    }

    static func insert(_ thing: ThingRecord, in db: Database) throws {
        try db.execute(
            sql: "INSERT INTO thing (name, kind, attributes, create_time, type) VALUES (?, ?, ?, ?, ?)",
            arguments: [
                thing.name, thing.kind.rawValue, try JSONText.encode(thing.attributes),
                thing.createTime.milliseconds, thing.type,
            ])
    }

    private static func update(_ thing: ThingRecord, in db: Database) throws {
        try db.execute(
            sql: "UPDATE thing SET type = ?2, attributes = ?3 WHERE name = ?1",
            arguments: [thing.name, thing.type, try JSONText.encode(thing.attributes)])
    }

    /// All things that selectors may take.
    static func selectorCandidates(in db: Database) throws -> [GroupDefinition.Candidate] {
        let sql = """
            SELECT thing.name, thing.type, thing.attributes, group_member.fleet_group
            FROM thing LEFT JOIN group_member ON group_member.name = thing.name WHERE thing.kind = 'thing'
            ORDER BY thing.name
            """
        return try Row.fetchAll(db, sql: sql).map { row in
            GroupDefinition.Candidate(
                facts: ThingFacts(
                    name: row["name"], type: row["type"],
                    attributes: try JSONText.decode([String: String].self, from: row["attributes"])),
                group: row["fleet_group"])
        }
    }
}

extension ThingRecord {
    /// What selectors look at.
    var facts: ThingFacts { ThingFacts(name: name, type: type, attributes: attributes) }

    /// The thing as an operator would write it.
    var definition: ThingDefinition {
        ThingDefinition(name: name, isCore: kind == .core, type: type, attributes: attributes)
    }
}
