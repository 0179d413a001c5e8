import Components
import FoundationEssentials
import GRDB

/// Deployments and what cores run, in the cloud's database.
struct SQLiteDeploymentStore: DeploymentStore {
    let database: CloudDatabase

    // MARK: Deployments

    func createDeployment(
        _ new: NewDeployment, request: RequestKey?, at time: Date
    ) async throws -> DeploymentRecord {
        try await database.write { db in
            if let earlier = try Self.deployment(madeBy: request, in: db) { return earlier }
            let (id, group, lock) = (new.id, new.group, new.lock)
            let revision = try Self.revisionToDeploy(group: group, number: new.revision, in: db)
            guard
                Set(lock.filter { !$0.isAdded }.map(\.instance))
                    == Set(revision.definition.components.map(\.name))
            else {
                throw CorruptRecord(
                    "the lock for revision \(revision.number) of group \"\(group)\" is of another one")
            }
            try db.execute(
                sql: """
                    INSERT INTO deployment (id, fleet_group, revision, create_time, rollout, creator)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    id, group, Int64(clamping: revision.number), time.milliseconds,
                    new.rollout == RolloutPolicy() ? nil : try JSONText.encode(new.rollout), new.creator,
                ])
            let sequence = db.lastInsertedRowID
            try ComponentLock.insert(lock, deployment: sequence, in: db)
            try GroupHistory.recordLockSource(new.lockOf, of: sequence, in: db)
            for core in Set(revision.definition.cores) {
                try Self.cancelUnfinished(of: core, for: id, at: time, in: db)
                try db.execute(
                    sql: """
                        INSERT INTO core_deployment (deployment, core, status, reason, update_time)
                        VALUES (?, ?, ?, '', ?)
                        """,
                    arguments: [sequence, core, CoreStage.pending.rawValue, time.milliseconds])
            }
            try CreationRequests.record(request, method: "CreateDeployment", resource: id, at: time, in: db)
            guard let stored = try Self.deployment(id: id, in: db) else {
                throw CorruptRecord("the deployment \"\(id)\" that was just made")
            }
            return stored
        }
    }

    func deployment(madeBy request: RequestKey?) async throws -> DeploymentRecord? {
        try await database.read { db in try Self.deployment(madeBy: request, in: db) }
    }

    private static func deployment(madeBy request: RequestKey?, in db: Database) throws -> DeploymentRecord? {
        guard let earlier = try CreationRequests.resource(of: request, method: "CreateDeployment", in: db)
        else { return nil }
        guard let stored = try deployment(id: earlier, in: db) else {
            throw StoreError.notFound(
                "the deployment \"\(earlier)\" that the first request with this request_id made is gone")
        }
        return stored
    }

    private static func revisionToDeploy(
        group: String, number: UInt64, in db: Database
    ) throws -> RevisionRecord {
        guard let stored = try SQLiteRegistryStore.group(named: group, in: db) else {
            throw StoreError.notFound("no group named \"\(group)\" exists")
        }
        let wanted = RevisionID(group: group, number: number == 0 ? stored.newest.number : number)
        guard let revision = try SQLiteRegistryStore.revision(wanted, in: db) else {
            throw StoreError.notFound(
                "group \"\(group)\" has no revision \(number); its newest is \(stored.newest.number)")
        }
        for core in revision.definition.cores {
            guard let thing = try SQLiteRegistryStore.thing(named: core, in: db) else {
                throw StoreError.notFound("the core \"\(core)\" of revision \(wanted.number) was deleted")
            }
            if let other = thing.group, other != group {
                throw StoreError.inUse(
                    "the core \"\(core)\" of revision \(wanted.number) belongs to group \"\(other)\" by now")
            }
        }
        return revision
    }

    private static func cancelUnfinished(
        of core: String, for id: String, at time: Date, in db: Database
    ) throws {
        try db.execute(
            sql: """
                UPDATE core_deployment SET status = ?1, reason = ?2, update_time = ?3, deadline = NULL
                WHERE core = ?4 AND status IN (1, 2)
                """,
            arguments: [
                CoreStage.canceled.rawValue, "the newer deployment \(id) took its place", time.milliseconds,
                core,
            ])
    }

    func deployment(id: String) async throws -> DeploymentRecord? {
        try await database.read { db in try Self.deployment(id: id, in: db) }
    }

    func deployments(
        of group: String?, before sequence: Int64, limit: Int
    ) async throws -> [DeploymentRecord] {
        try await database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM deployment WHERE sequence < ?1 AND (?2 IS NULL OR fleet_group = ?2)
                    ORDER BY sequence DESC LIMIT ?3
                    """,
                arguments: [sequence, group, limit]
            ).map { try Self.deployment(from: $0, in: db) }
        }
    }

    static func deployment(id: String, in db: Database) throws -> DeploymentRecord? {
        try Row.fetchOne(db, sql: "SELECT * FROM deployment WHERE id = ?", arguments: [id])
            .map { try deployment(from: $0, in: db) }
    }

    private static func deployment(from row: Row, in db: Database) throws -> DeploymentRecord {
        let sequence: Int64 = row["sequence"]
        let cores = try Row.fetchAll(
            db, sql: "SELECT * FROM core_deployment WHERE deployment = ? ORDER BY core", arguments: [sequence]
        ).map { row in
            CoreDeploymentRecord(
                core: row["core"], stage: try stage(row["status"]), reason: row["reason"],
                updateTime: Date(milliseconds: row["update_time"]),
                startTime: (row["start_time"] as Int64?).map(Date.init(milliseconds:)), step: row["step"],
                deadline: (row["deadline"] as Int64?).map(Date.init(milliseconds:)))
        }
        return DeploymentRecord(
            sequence: sequence, id: row["id"], group: row["fleet_group"],
            revision: UInt64(row["revision"] as Int64),
            createTime: Date(milliseconds: row["create_time"]), cores: cores,
            lock: try ComponentLock.fetch(deployment: sequence, in: db), rollout: try policy(from: row),
            state: try state(from: row), stateReason: row["state_reason"], creator: row["creator"],
            lockOf: try GroupHistory.lockSource(of: sequence, in: db))
    }

    static func stage(_ value: Int) throws -> CoreStage {
        guard let stage = CoreStage(rawValue: value) else {
            throw CorruptRecord("the status \(value) of a deployment")
        }
        return stage
    }

    // MARK: Cores at work

    func takeAssignment(
        core: String, at time: Date, deadline: Date, told: Int64
    ) async throws -> (assignment: AssignmentRecord?, changed: Bool) {
        try await database.write { db in
            guard
                let row = try Row.fetchOne(
                    db,
                    sql: """
                        SELECT deployment.*, core_deployment.status
                        FROM core_deployment JOIN deployment ON deployment.sequence = core_deployment.deployment
                        WHERE core_deployment.core = ? ORDER BY deployment.sequence DESC LIMIT 1
                        """,
                    arguments: [core])
            else { return (nil, false) }
            let stage = try Self.stage(row["status"])
            let id = RevisionID(group: row["fleet_group"], number: UInt64(row["revision"] as Int64))
            let sequence: Int64 = row["sequence"]
            if sequence == told { return (nil, false) }
            switch stage {
            case .failed, .rolledBack, .canceled:
                // It said no, and would say it again.
                return (nil, false)
            case .inProgress where try Self.state(from: row) == .canceled:
                // It is told to stop instead.
                return (nil, false)
            case .pending where try Self.mustWait(deployment: row, at: time, in: db):
                // Its turn comes.
                return (nil, false)
            case .pending, .inProgress, .timedOut, .succeeded:
                break
            }
            let lock = try ComponentLock.fetch(deployment: sequence, in: db)
            if try Self.activeRevision(of: core, in: db) == id, try Self.runs(lock, core: core, in: db),
                try stage == .succeeded || !Self.mayChange(core: core, before: sequence, in: db)
            {
                guard stage != .succeeded else { return (nil, false) }
                // It finished, and the report was lost.
                try Self.set(.succeeded, reason: "", core: core, deployment: sequence, at: time, in: db)
                return (nil, true)
            }
            guard let revision = try SQLiteRegistryStore.revision(id, in: db) else {
                throw CorruptRecord("revision \(id.number) of group \"\(id.group)\" is missing")
            }
            if stage == .inProgress {
                // Told again: it says itself where it is.
                try Self.extend(until: deadline, core: core, deployment: sequence, in: db)
            } else {
                try Self.set(
                    .inProgress, reason: "", core: core, deployment: sequence, at: time, deadline: deadline,
                    in: db)
            }
            try Self.remember(core: core, mayRun: id, in: db)
            try ComponentLock.remember(lock, core: core, in: db)
            return (
                AssignmentRecord(
                    sequence: sequence, deploymentID: row["id"], revision: revision,
                    rollout: try Self.policy(from: row), lock: lock), true
            )
        }
    }

    func recordReport(
        _ report: CoreReport, core: String, at time: Date
    ) async throws -> RecordedReport {
        try await database.write { db in
            let (deploymentID, stage) = (report.deploymentID, report.stage)
            guard
                let row = try Row.fetchOne(
                    db,
                    sql: """
                        SELECT deployment.*, core_deployment.status, core_deployment.deadline
                        FROM core_deployment JOIN deployment ON deployment.sequence = core_deployment.deployment
                        WHERE core_deployment.core = ? AND deployment.id = ?
                        """,
                    arguments: [core, deploymentID])
            else { return RecordedReport(known: false) }
            let sequence: Int64 = row["sequence"]
            let deadline = report.deadline ?? (row["deadline"] as Int64?).map(Date.init(milliseconds:))
            let old = try Self.stage(row["status"])
            let staysFinished = stage == .inProgress && old.isFinished
            if old != .canceled && !staysFinished {
                try Self.set(
                    stage, reason: report.reason, core: core, deployment: sequence, at: time,
                    deadline: stage.isFinished ? nil : deadline, step: report.step, in: db)
            }
            let aborted =
                stage.isFinished ? try Self.abortWhereDue(deployment: sequence, at: time, in: db) : nil
            guard stage == .succeeded else { return RecordedReport(known: true, aborted: aborted) }
            let id = RevisionID(group: row["fleet_group"], number: UInt64(row["revision"] as Int64))
            let lock = try ComponentLock.fetch(deployment: sequence, in: db)
            try Self.setActive(id, lock: lock, of: core, in: db)
            try Self.remember(core: core, mayRun: id, in: db)
            return RecordedReport(
                known: true, active: try SQLiteRegistryStore.revision(id, in: db), aborted: aborted)
        }
    }

    func expire(at time: Date, longest: Duration) async throws -> Int {
        try await database.write { db in
            try db.execute(
                sql: "UPDATE core_deployment SET deadline = ?1 WHERE status = 2 AND deadline > ?1",
                arguments: [time.adding(longest).milliseconds])
            let affected = try Int64.fetchAll(
                db, sql: "SELECT DISTINCT deployment FROM core_deployment WHERE status = 2 AND deadline < ?",
                arguments: [time.milliseconds])
            try db.execute(
                sql: """
                    UPDATE core_deployment
                    SET status = ?1, update_time = ?2, deadline = NULL, step = 0,
                        reason = 'the core did not report in time'
                            || CASE reason WHEN '' THEN '' ELSE '; it said last: ' || reason END
                    WHERE status = 2 AND deadline < ?2
                    """,
                arguments: [CoreStage.timedOut.rawValue, time.milliseconds])
            let count = db.changesCount
            for deployment in affected { try Self.abortWhereDue(deployment: deployment, at: time, in: db) }
            return count
        }
    }

    /// Notes how a core stands. The time of the last change moves only where status, stage or reason is another one: a core
    /// that says the same again has not changed, it only has a new deadline.
    private static func set(
        _ stage: CoreStage, reason: String, core: String, deployment: Int64, at time: Date,
        deadline: Date? = nil, step: Int = 0, in db: Database
    ) throws {
        try db.execute(
            sql: """
                UPDATE core_deployment SET status = ?1, reason = ?2, deadline = ?4, step = ?7,
                    update_time = CASE WHEN status = ?1 AND reason = ?2 AND step = ?7 THEN update_time ELSE ?3 END,
                    start_time = CASE WHEN ?1 = 2 THEN coalesce(start_time, ?3) ELSE start_time END
                WHERE deployment = ?5 AND core = ?6
                """,
            arguments: [
                stage.rawValue, reason, time.milliseconds, deadline?.milliseconds, deployment, core,
                stage == .inProgress ? step : 0,
            ])
    }

    private static func extend(
        until deadline: Date, core: String, deployment: Int64, in db: Database
    ) throws {
        try db.execute(
            sql: "UPDATE core_deployment SET deadline = ? WHERE deployment = ? AND core = ?",
            arguments: [deadline.milliseconds, deployment, core])
    }

    func pruneDeployments(keeping count: Int) async throws {
        try await database.write { db in
            try db.execute(
                sql: """
                    DELETE FROM deployment WHERE sequence IN (
                        SELECT sequence FROM (
                            SELECT sequence,
                                row_number() OVER (PARTITION BY fleet_group ORDER BY sequence DESC) AS age
                            FROM deployment)
                        WHERE age > ?)
                    AND sequence NOT IN (SELECT max(deployment) FROM core_deployment GROUP BY core)
                    -- What a rollback goes back to: the last success of each revision.
                    AND sequence NOT IN (
                        SELECT max(sequence) FROM deployment WHERE \(GroupHistory.succeeded)
                        GROUP BY fleet_group, revision)
                    """,
                arguments: [count])
        }
    }
}
