import Components
import FoundationEssentials
import GRDB

/// What became of the revisions of groups: their deployments, and the locks that a rollback goes back to.
struct GroupHistory: Sendable {
    /// Deployments that are named with a revision.
    static let maximumDeployments = 10

    let database: CloudDatabase

    /// The deployments of some revisions of a group, the newest first, at most ``maximumDeployments`` each, and how many
    /// there are.
    func deployments(
        of group: String, revisions: [UInt64]
    ) async throws -> [UInt64: (newest: [RevisionDeploymentRecord], count: Int)] {
        try await database.read { db in
            var found: [UInt64: (newest: [RevisionDeploymentRecord], count: Int)] = [:]
            for number in revisions {
                let key: StatementArguments = [group, Int64(clamping: number)]
                let count =
                    try Int.fetchOne(
                        db, sql: "SELECT count(*) FROM deployment WHERE fleet_group = ? AND revision = ?",
                        arguments: key) ?? 0
                if count == 0 { continue }
                let rows = try Row.fetchAll(
                    db,
                    sql: """
                        SELECT deployment.*, deployment_lock_source.source FROM deployment
                        LEFT JOIN deployment_lock_source
                            ON deployment_lock_source.deployment = deployment.sequence
                        WHERE fleet_group = ? AND revision = ? ORDER BY sequence DESC
                        LIMIT \(Self.maximumDeployments)
                        """, arguments: key)
                found[number] = (try rows.map { try Self.deployment(from: $0, in: db) }, count)
            }
            return found
        }
    }

    /// The newest deployment of a revision that succeeded, nil where none did.
    func lastSuccess(of id: RevisionID) async throws -> (id: String, lock: [LockedComponent])? {
        try await database.read { db in
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT sequence, id FROM deployment
                    WHERE fleet_group = ? AND revision = ? AND \(Self.succeeded) ORDER BY sequence DESC LIMIT 1
                    """, arguments: [id.group, Int64(clamping: id.number)])
            return try row.map { ($0["id"], try ComponentLock.fetch(deployment: $0["sequence"], in: db)) }
        }
    }

    /// The revision that a rollback goes back to where nobody says: the newest one that was deployed successfully before
    /// the one that was deployed last. Nil where there is none.
    func previousRevision(of group: String) async throws -> (deployed: UInt64?, previous: UInt64?) {
        try await database.read { db in
            let last = try Int64.fetchOne(
                db,
                sql: "SELECT revision FROM deployment WHERE fleet_group = ? ORDER BY sequence DESC LIMIT 1",
                arguments: [group])
            guard let last else { return (nil, nil) }
            let previous = try Int64.fetchOne(
                db,
                sql: """
                    SELECT revision FROM deployment WHERE fleet_group = ? AND revision <> ? AND \(Self.succeeded)
                    ORDER BY sequence DESC LIMIT 1
                    """, arguments: [group, last])
            return (UInt64(last), previous.map { UInt64($0) })
        }
    }

    /// Of the entries of a lock, those whose version is not registered as it was.
    func missing(in lock: [LockedComponent]) async throws -> [LockedComponent] {
        try await database.read { db in
            try lock.filter { entry in
                let digest = try Data.fetchOne(
                    db, sql: "SELECT digest FROM component_version WHERE component = ? AND version = ?",
                    arguments: [entry.component, entry.version.description])
                return digest.map { [UInt8]($0) } != entry.recipeDigest
            }
        }
    }

    /// The deployment whose lock a deployment was made with, nil where it was resolved anew.
    static func lockSource(of deployment: Int64, in db: Database) throws -> String? {
        try String.fetchOne(
            db, sql: "SELECT source FROM deployment_lock_source WHERE deployment = ?", arguments: [deployment]
        )
    }

    /// Remembers whose lock a deployment was made with.
    static func recordLockSource(_ source: String?, of deployment: Int64, in db: Database) throws {
        guard let source else { return }
        try db.execute(
            sql: "INSERT INTO deployment_lock_source (deployment, source) VALUES (?, ?)",
            arguments: [deployment, source])
    }

    /// A condition on `deployment`: a core runs it, and none refused it, went back or stayed silent.
    static let succeeded = """
        EXISTS (SELECT * FROM core_deployment WHERE deployment = deployment.sequence AND status = 3)
        AND NOT EXISTS (SELECT * FROM core_deployment WHERE deployment = deployment.sequence AND status IN (4, 5, 7))
        """

    private static func deployment(from row: Row, in db: Database) throws -> RevisionDeploymentRecord {
        var stages: [CoreStage: Int] = [:]
        let counts = try Row.fetchAll(
            db,
            sql: "SELECT status, count(*) AS count FROM core_deployment WHERE deployment = ? GROUP BY status",
            arguments: [row["sequence"] as Int64])
        for count in counts {
            guard let stage = CoreStage(rawValue: count["status"]) else {
                throw CorruptRecord("the status of a core in deployment \"\(row["id"] as String)\"")
            }
            stages[stage] = count["count"]
        }
        return RevisionDeploymentRecord(
            id: row["id"], createTime: Date(milliseconds: row["create_time"]), stages: stages,
            lockOf: row["source"])
    }
}

extension CloudContext {
    /// What became of revisions.
    var history: GroupHistory { GroupHistory(database: database) }
}
