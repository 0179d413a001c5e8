import Components
import GRDB

/// What cores say that they run on.
extension SQLiteDeploymentStore {
    func platforms(of cores: [String]) async throws -> [String: Platform] {
        try await database.read { db in
            let statement = try db.cachedStatement(sql: "SELECT platform FROM core_state WHERE core = ?")
            var platforms: [String: Platform] = [:]
            for core in cores {
                if let text = try String.fetchOne(statement, arguments: [core]) {
                    platforms[core] = try JSONText.decode(Platform.self, from: text)
                }
            }
            return platforms
        }
    }

    func running(on core: String) async throws -> RunningDeployment? {
        try await database.read { db in
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT deployment.sequence, deployment.fleet_group, deployment.revision
                    FROM core_state
                    JOIN core_deployment ON core_deployment.core = core_state.core
                    JOIN deployment ON deployment.sequence = core_deployment.deployment
                    WHERE core_state.core = ?1 AND core_deployment.status = ?2
                        AND deployment.fleet_group = core_state.active_group
                        AND deployment.revision = core_state.active_revision
                    ORDER BY deployment.sequence DESC LIMIT 1
                    """, arguments: [core, CoreStage.succeeded.rawValue])
            guard let row else { return nil }
            let id = RevisionID(group: row["fleet_group"], number: UInt64(row["revision"] as Int64))
            guard let revision = try SQLiteRegistryStore.revision(id, in: db) else { return nil }
            let sequence: Int64 = row["sequence"]
            return RunningDeployment(
                sequence: sequence, revision: revision,
                lock: try ComponentLock.fetch(deployment: sequence, in: db))
        }
    }
}
