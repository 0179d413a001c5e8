import Components
import FoundationEssentials
import GRDB
import RPCSupport

/// Artifacts in the cloud's database.
struct SQLiteArtifactIndex: ArtifactIndex {
    let database: CloudDatabase

    func artifact(_ digest: [UInt8]) async throws -> ArtifactRecord? {
        try await database.read { db in try Self.fetch(digest, in: db) }
    }

    func artifacts(after digest: [UInt8], prefix: String, limit: Int) async throws -> [ArtifactRecord] {
        try await database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM artifact WHERE digest > ? AND substr(lower(hex(digest)), 1, ?) = ?
                    ORDER BY digest LIMIT ?
                    """, arguments: [Data(digest), prefix.utf8.count, prefix, limit]
            ).map { try Self.record($0, in: db) }
        }
    }

    func totalBytes() async throws -> UInt64 {
        let total = try await database.read { db in
            try Int64.fetchOne(db, sql: "SELECT coalesce(sum(size), 0) FROM artifact") ?? 0
        }
        return UInt64(clamping: total)
    }

    func add(
        _ artifact: ArtifactRecord, publish: @escaping @Sendable () throws -> Void
    ) async throws -> ArtifactRecord {
        try await database.write { db in
            // The file first: a row without one would promise what is not there.
            try publish()
            try db.execute(
                sql: """
                    INSERT INTO artifact (digest, size, name, create_time, use_time) VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT (digest) DO UPDATE SET size = excluded.size, use_time = excluded.use_time
                    """,
                arguments: [
                    Data(artifact.digest), Int64(clamping: artifact.size), artifact.name,
                    artifact.createTime.milliseconds, artifact.useTime.milliseconds,
                ])
            return try Self.fetch(artifact.digest, in: db) ?? artifact
        }
    }

    func touch(_ digest: [UInt8], at time: Date) async throws {
        try await database.write { db in
            try db.execute(
                sql: "UPDATE artifact SET use_time = max(use_time, ?) WHERE digest = ?",
                arguments: [time.milliseconds, Data(digest)])
        }
    }

    func forget(_ digest: [UInt8], remove: @escaping @Sendable () throws -> Void) async throws {
        try await database.write { db in
            try db.execute(sql: "DELETE FROM artifact WHERE digest = ?", arguments: [Data(digest)])
            try remove()
        }
    }

    func forgetUnused(since time: Date) async throws -> [[UInt8]] {
        try await database.write { db in
            // A lock names component versions, and these are never deleted: asking for both is only for the day when
            // they are.
            try Data.fetchAll(
                db,
                sql: """
                    DELETE FROM artifact WHERE use_time < ?
                        AND digest NOT IN (
                            SELECT component_artifact.digest
                            FROM component_artifact JOIN component_version USING (component, version))
                        AND digest NOT IN (
                            SELECT component_artifact.digest
                            FROM component_artifact JOIN deployment_lock USING (component, version))
                    RETURNING digest
                    """, arguments: [time.milliseconds]
            ).map { [UInt8]($0) }
        }
    }

    func removeUnlessStored(
        _ digest: [UInt8], remove: @escaping @Sendable () throws -> Void
    ) async throws -> Bool {
        try await database.write { db in
            guard try Self.fetch(digest, in: db) == nil else { return false }
            try remove()
            return true
        }
    }

    func missing(_ references: [ArtifactReference]) async throws -> [ArtifactReference] {
        try await database.read { db in try Self.missing(references, in: db) }
    }

    func mayDownload(_ digest: [UInt8], core: String) async throws -> Bool {
        try await database.read { db in
            try Bool.fetchOne(
                db,
                sql: """
                    SELECT EXISTS (
                        SELECT * FROM component_artifact JOIN core_component USING (component, version)
                        WHERE digest = ? AND core = ?)
                    """, arguments: [Data(digest), core]) ?? false
        }
    }

    // MARK: Within the transactions of others

    /// Which of some artifacts are not there, or are there with another size; each once.
    static func missing(_ references: [ArtifactReference], in db: Database) throws -> [ArtifactReference] {
        var seen: Set<[UInt8]> = []
        return try references.filter { reference in
            guard seen.insert(reference.digest).inserted else { return false }
            let size = try Int64.fetchOne(
                db, sql: "SELECT size FROM artifact WHERE digest = ?", arguments: [Data(reference.digest)])
            return size != Int64(clamping: reference.size)
        }
    }

    /// Notes which artifacts the recipe of a version names.
    ///
    /// - Throws: ``StoreError/missingArtifacts(_:)`` where one is not there.
    static func record(
        _ references: [ArtifactReference], of component: ComponentID, in db: Database
    ) throws {
        let missing = try missing(references, in: db)
        guard missing.isEmpty else { throw StoreError.missingArtifacts(missing) }
        for reference in references {
            try db.execute(
                sql: """
                    INSERT OR IGNORE INTO component_artifact (digest, component, version, name, size)
                    VALUES (?, ?, ?, ?, ?)
                    """,
                arguments: [
                    Data(reference.digest), component.component, component.version.description,
                    reference.name,
                    Int64(clamping: reference.size),
                ])
        }
    }

    // MARK: Rows

    private static func fetch(_ digest: [UInt8], in db: Database) throws -> ArtifactRecord? {
        try Row.fetchOne(db, sql: "SELECT * FROM artifact WHERE digest = ?", arguments: [Data(digest)])
            .map { try record($0, in: db) }
    }

    private static func record(_ row: Row, in db: Database) throws -> ArtifactRecord {
        let digest: Data = row["digest"]
        let users = try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT DISTINCT component, version FROM component_artifact JOIN component_version
                        USING (component, version)
                    WHERE component_artifact.digest = ? ORDER BY create_time DESC, component, sort_key DESC LIMIT ?
                    """), arguments: [digest, ArtifactRecord.maximumUsers])
        return ArtifactRecord(
            digest: [UInt8](digest), size: UInt64(clamping: row["size"] as Int64), name: row["name"],
            createTime: Date(milliseconds: row["create_time"]), useTime: Date(milliseconds: row["use_time"]),
            users: try users.map {
                ComponentID(
                    component: $0["component"], version: try SQLiteComponentStore.version($0["version"]))
            })
    }
}
