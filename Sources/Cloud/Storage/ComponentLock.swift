import Components
import Crypto
import FoundationEssentials
import GRDB

/// What the component instances of a deployment were resolved to, in the database.
enum ComponentLock {
    /// Tells locks apart: SHA-256 over every entry in the order of the instances' names. Empty for an empty lock.
    static func digest(of lock: [LockedComponent]) -> Data {
        if lock.isEmpty { return Data() }
        var hash = SHA256()
        for entry in lock.sorted(by: { $0.instance < $1.instance }) {
            for part in [
                Data(entry.instance.utf8), Data(entry.component.utf8), Data(entry.version.description.utf8),
                Data(entry.recipeDigest),
            ] {
                // With lengths, so that no two different entries look the same.
                hash.update(data: Data("\(part.count):".utf8))
                hash.update(data: part)
            }
        }
        return Data(hash.finalize())
    }

    /// Stores the lock of a deployment that was just made.
    static func insert(_ lock: [LockedComponent], deployment: Int64, in db: Database) throws {
        let insert = try db.cachedStatement(
            sql: """
                INSERT INTO deployment_lock
                    (deployment, instance, component, version, digest, added, artifacts)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """)
        for entry in lock {
            try insert.execute(
                arguments: [
                    deployment, entry.instance, entry.component, entry.version.description,
                    Data(entry.recipeDigest), entry.isAdded,
                    entry.artifacts.isEmpty ? nil : try JSONText.encode(entry.artifacts),
                ])
        }
    }

    /// The lock of a deployment, by instance.
    static func fetch(deployment: Int64, in db: Database) throws -> [LockedComponent] {
        try Row.fetchAll(
            db.cachedStatement(sql: "SELECT * FROM deployment_lock WHERE deployment = ? ORDER BY instance"),
            arguments: [deployment]
        ).map { row in
            LockedComponent(
                instance: row["instance"], component: row["component"],
                version: try SQLiteComponentStore.version(row["version"]),
                recipeDigest: [UInt8](row["digest"] as Data), isAdded: row["added"],
                artifacts: try (row["artifacts"] as String?).map {
                    try JSONText.decode([ArtifactReference].self, from: $0)
                } ?? [])
        }
    }

    /// Remembers that a core was told to run what a lock names.
    static func remember(_ lock: [LockedComponent], core: String, in db: Database) throws {
        let insert = try db.cachedStatement(
            sql: "INSERT OR IGNORE INTO core_component (core, component, version) VALUES (?, ?, ?)")
        for entry in lock {
            try insert.execute(arguments: [core, entry.component, entry.version.description])
        }
    }
}
