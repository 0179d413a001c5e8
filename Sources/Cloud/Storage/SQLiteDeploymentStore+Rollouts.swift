import Components
import FoundationEssentials
import GRDB

/// Rollouts: which cores are begun, and when one stops.
extension SQLiteDeploymentStore {
    func decide(_ decision: RolloutDecision, deployment id: String, at time: Date) async throws
        -> DeploymentRecord
    {
        try await database.write { db in
            guard let record = try Self.deployment(id: id, in: db) else {
                throw StoreError.notFound("no deployment \"\(id)\" exists")
            }
            switch decision {
            case .pause(let reason): try Self.pause(record, reason, in: db)
            case .resume: try Self.resume(record, in: db)
            case .cancel(let reason): try Self.cancel(record, reason, at: time, in: db)
            }
            guard let changed = try Self.deployment(id: id, in: db) else {
                throw CorruptRecord("the deployment \"\(id)\" that was just changed")
            }
            return changed
        }
    }

    private static func pause(_ record: DeploymentRecord, _ reason: String, in db: Database) throws {
        if record.state == .paused { return }
        try requireOpen(record, "paused")
        try set(.paused, reason, deployment: record.sequence, in: db)
    }

    private static func resume(_ record: DeploymentRecord, in db: Database) throws {
        if record.state == .running { return }
        try requireOpen(record, "resumed")
        try set(.running, "", deployment: record.sequence, in: db)
    }

    private static func cancel(
        _ record: DeploymentRecord, _ reason: String, at time: Date, in db: Database
    ) throws {
        // What has come to an end stays as it is: there is nothing to cancel, and nothing wrong with asking.
        guard record.state == .running || record.state == .paused,
            record.cores.contains(where: { !$0.stage.isFinished })
        else { return }
        try set(.canceled, reason, deployment: record.sequence, in: db)
        try cancelPending(
            of: record.sequence,
            reason.isEmpty ? "the deployment was canceled" : "the deployment was canceled: \(reason)",
            at: time, in: db)
    }

    private static func requireOpen(_ record: DeploymentRecord, _ what: String) throws {
        switch record.state {
        case .canceled, .aborted:
            throw StoreError.deploymentOver(
                "the deployment \"\(record.id)\" was \(record.state == .canceled ? "canceled" : "aborted") and cannot be "
                    + "\(what); deploy again")
        case .running, .paused:
            guard record.cores.contains(where: { !$0.stage.isFinished }) else {
                throw StoreError.deploymentOver(
                    "every core of the deployment \"\(record.id)\" has come to an end; there is nothing to be \(what)"
                )
            }
        }
    }

    private static func set(
        _ state: RolloutState, _ reason: String, deployment: Int64, in db: Database
    ) throws {
        try db.execute(
            sql: "UPDATE deployment SET state = ?, state_reason = ? WHERE sequence = ?",
            arguments: [state.rawValue, reason, deployment])
    }

    private static func cancelPending(
        of deployment: Int64, _ reason: String, at time: Date, in db: Database
    ) throws {
        try db.execute(
            sql: """
                UPDATE core_deployment SET status = ?, reason = ?, update_time = ?, deadline = NULL
                WHERE deployment = ? AND status = ?
                """,
            arguments: [
                CoreStage.canceled.rawValue, reason, time.milliseconds, deployment,
                CoreStage.pending.rawValue,
            ])
    }

    // MARK: Waves

    func openRollouts(at time: Date) async throws -> [OpenRollout] {
        try await database.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM deployment WHERE rollout IS NOT NULL AND state = ?
                        AND sequence IN (SELECT deployment FROM core_deployment WHERE status = 1)
                    ORDER BY sequence
                    """,
                arguments: [RolloutState.running.rawValue])
            return try rows.compactMap { row in
                let sequence: Int64 = row["sequence"]
                let policy = try Self.policy(from: row)
                let admitted = try Self.tally(of: sequence, at: time, in: db).admitted(by: policy)
                guard admitted > 0 else { return nil }
                let pending = try String.fetchSet(
                    db, sql: "SELECT core FROM core_deployment WHERE deployment = ? AND status = ?",
                    arguments: [sequence, CoreStage.pending.rawValue])
                let id = RevisionID(group: row["fleet_group"], number: UInt64(row["revision"] as Int64))
                let cores = try SQLiteRegistryStore.revision(id, in: db)?.definition.cores ?? []
                return OpenRollout(
                    deployment: row["id"], pending: cores.filter(pending.contains), admitted: admitted)
            }
        }
    }

    func cancellation(of core: String) async throws -> (deploymentID: String, reason: String)? {
        try await database.read { db in
            guard
                let row = try Row.fetchOne(
                    db,
                    sql: """
                        SELECT deployment.id, deployment.state_reason
                        FROM core_deployment JOIN deployment ON deployment.sequence = core_deployment.deployment
                        WHERE core_deployment.core = ? AND core_deployment.status = ? AND deployment.state = ?
                        ORDER BY deployment.sequence DESC LIMIT 1
                        """,
                    arguments: [core, CoreStage.inProgress.rawValue, RolloutState.canceled.rawValue])
            else { return nil }
            return (row["id"], row["state_reason"])
        }
    }

    /// Whether a core that was not begun has to wait for its turn.
    static func mustWait(deployment row: Row, at time: Date, in db: Database) throws -> Bool {
        guard try state(from: row) == .running else { return true }
        let policy = try policy(from: row)
        guard policy.isInWaves else { return false }
        return try tally(of: row["sequence"], at: time, in: db).admitted(by: policy) == 0
    }

    /// Stops the rollout where too many of its cores failed.
    ///
    /// - Returns: why it was stopped; nil where it goes on.
    @discardableResult
    static func abortWhereDue(deployment: Int64, at time: Date, in db: Database) throws -> String? {
        guard
            let row = try Row.fetchOne(
                db, sql: "SELECT * FROM deployment WHERE sequence = ?", arguments: [deployment]),
            [.running, .paused].contains(try state(from: row))
        else { return nil }
        let tally = try tally(of: deployment, at: time, in: db)
        guard tally.pending > 0, let reason = tally.abortion(by: try policy(from: row)) else { return nil }
        try set(.aborted, reason, deployment: deployment, in: db)
        try cancelPending(of: deployment, "the rollout was stopped: \(reason)", at: time, in: db)
        return reason
    }

    // MARK: Rows

    static func policy(from row: Row) throws -> RolloutPolicy {
        try (row["rollout"] as String?).map { try JSONText.decode(RolloutPolicy.self, from: $0) }
            ?? RolloutPolicy()
    }

    static func state(from row: Row) throws -> RolloutState {
        let value: Int = row["state"]
        guard let state = RolloutState(rawValue: value) else {
            throw CorruptRecord("the state \(value) of a rollout")
        }
        return state
    }

    static func tally(of deployment: Int64, at time: Date, in db: Database) throws -> RolloutTally {
        var tally = RolloutTally()
        let rows = try Row.fetchAll(
            db, sql: "SELECT status, count(*) FROM core_deployment WHERE deployment = ? GROUP BY status",
            arguments: [deployment])
        for row in rows {
            let count: Int = row[1]
            switch try stage(row[0]) {
            case .pending: tally.pending = count
            case .inProgress: tally.inProgress = count
            case .succeeded: tally.succeeded = count
            case .failed, .rolledBack, .timedOut: tally.failed += count
            case .canceled: tally.canceled = count
            }
        }
        let now = time.milliseconds
        // A start that lies ahead is from before the clock was set back; it says nothing about this minute.
        tally.startedInLastMinute =
            try Int.fetchOne(
                db,
                sql: """
                    SELECT count(*) FROM core_deployment
                    WHERE deployment = ? AND start_time > ? AND start_time <= ?
                    """,
                arguments: [deployment, now - 60_000, now]) ?? 0
        return tally
    }
}
