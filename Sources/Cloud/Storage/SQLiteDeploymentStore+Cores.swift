import Components
import FoundationEssentials
import GRDB

/// What cores say about themselves.
extension SQLiteDeploymentStore {
    func recordHello(_ hello: CoreHelloRecord, at time: Date) async throws -> RevisionRecord? {
        try await database.write { db in
            // A core is believed only where a revision names it: else it could claim another group's things.
            var active: RevisionRecord?
            if let id = hello.active, let revision = try SQLiteRegistryStore.revision(id, in: db),
                revision.definition.cores.contains(hello.core)
            {
                active = revision
                try Self.remember(core: hello.core, mayRun: id, in: db)
            }
            try db.execute(
                sql: """
                    INSERT INTO core_state (core, version, endpoints, active_group, active_revision, clock_skew,
                        platform)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                    ON CONFLICT (core) DO UPDATE SET version = ?2, endpoints = ?3, active_group = ?4,
                        active_revision = ?5, clock_skew = ?6, platform = ?7,
                        -- A core says no lock: it is the one known as long as the revision is.
                        active_lock = CASE WHEN active_group IS ?4 AND active_revision IS ?5
                            THEN active_lock END
                    """,
                arguments: [
                    hello.core, hello.version, try JSONText.encode(hello.endpoints), active?.group,
                    active.map { Int64(clamping: $0.number) }, hello.clockSkewMilliseconds,
                    try hello.platform.map { try JSONText.encode($0) },
                ])
            try db.execute(
                sql: "UPDATE thing SET last_seen_time = ?2 WHERE name = ?1",
                arguments: [hello.core, time.milliseconds])
            return active
        }
    }

    func recordEndpoints(_ endpoints: [CoreEndpoint], of core: String) async throws {
        try await database.write { db in
            try db.execute(
                sql: "UPDATE core_state SET endpoints = ?2 WHERE core = ?1",
                arguments: [core, try JSONText.encode(endpoints)])
        }
    }

    func recordServerAuthority(_ fingerprint: String, of core: String) async throws {
        try await database.write { db in
            try db.execute(
                sql: "UPDATE core_state SET server_authority = ?2 WHERE core = ?1",
                arguments: [core, fingerprint])
        }
    }

    func cores(named names: [String]) async throws -> [String: CoreRecord] {
        try await database.read { db in
            var cores: [String: CoreRecord] = [:]
            for name in Set(names) {
                guard
                    let row = try Row.fetchOne(
                        db, sql: "SELECT * FROM core_state WHERE core = ?", arguments: [name])
                else { continue }
                cores[name] = CoreRecord(
                    name: name, version: row["version"],
                    endpoints: try JSONText.decode([CoreEndpoint].self, from: row["endpoints"]),
                    active: Self.active(from: row), clockSkewMilliseconds: row["clock_skew"],
                    serverAuthority: row["server_authority"])
            }
            return cores
        }
    }

    func fleet() async throws -> FleetRecord {
        try await database.read { db in
            var fleet = FleetRecord()
            for row in try Row.fetchAll(db, sql: "SELECT name, kind FROM thing") {
                fleet.things[row["name"]] = ThingKind(rawValue: row["kind"])
            }
            // Revisions are shared by many cores: each is read once.
            var revisions: [RevisionID: RevisionRecord] = [:]
            for row in try Row.fetchAll(db, sql: "SELECT * FROM group_revision") {
                let revision = try SQLiteRegistryStore.revision(from: row)
                revisions[RevisionID(group: revision.group, number: revision.number)] = revision
            }
            for row in try Row.fetchAll(db, sql: "SELECT name, newest_revision FROM fleet_group") {
                let number = UInt64(row["newest_revision"] as Int64)
                if let revision = revisions[RevisionID(group: row["name"], number: number)] {
                    fleet.newest.append(revision)
                }
            }
            for row in try Row.fetchAll(db, sql: "SELECT * FROM core_state") {
                if let id = Self.active(from: row) { fleet.active[row["core"]] = revisions[id] }
            }
            for row in try Row.fetchAll(db, sql: "SELECT * FROM core_revision") {
                let id = RevisionID(group: row["fleet_group"], number: UInt64(row["revision"] as Int64))
                guard let revision = revisions[id] else { continue }
                fleet.carried[row["core"], default: []].formUnion(revision.definition.things)
            }
            for row in try Row.fetchAll(
                db, sql: "SELECT fleet_group, revision, max(sequence) FROM deployment GROUP BY fleet_group")
            {
                let id = RevisionID(group: row["fleet_group"], number: UInt64(row["revision"] as Int64))
                fleet.deployed[id.group] = revisions[id]
            }
            return fleet
        }
    }

    static func activeRevision(of core: String, in db: Database) throws -> RevisionID? {
        try Row.fetchOne(db, sql: "SELECT * FROM core_state WHERE core = ?", arguments: [core])
            .flatMap(active(from:))
    }

    private static func active(from row: Row) -> RevisionID? {
        guard let group = row["active_group"] as String?, let number = row["active_revision"] as Int64? else {
            return nil
        }
        return RevisionID(group: group, number: UInt64(number))
    }

    /// Whether a core that runs a revision runs it with a lock, as far as it has said so. A revision without
    /// components has one lock only.
    static func runs(_ lock: [LockedComponent], core: String, in db: Database) throws -> Bool {
        if lock.isEmpty { return true }
        let active = try Data.fetchOne(
            db, sql: "SELECT active_lock FROM core_state WHERE core = ?", arguments: [core])
        return active == ComponentLock.digest(of: lock)
    }

    /// Whether a core may be about to run something else than it said: it was told a deployment that was cancelled, or
    /// that it said nothing of in time, and has ended none since.
    static func mayChange(core: String, before sequence: Int64, in db: Database) throws -> Bool {
        try Bool.fetchOne(
            db,
            sql: """
                SELECT EXISTS (
                    SELECT 1 FROM core_deployment
                    WHERE core = ?1 AND deployment < ?2 AND status IN (?3, ?7) AND start_time IS NOT NULL
                        AND deployment > ifnull((
                            SELECT max(deployment) FROM core_deployment
                            WHERE core = ?1 AND deployment < ?2 AND status IN (?4, ?5, ?6)), 0))
                """,
            arguments: [
                core, sequence, CoreStage.canceled.rawValue, CoreStage.succeeded.rawValue,
                CoreStage.failed.rawValue, CoreStage.rolledBack.rawValue, CoreStage.timedOut.rawValue,
            ]) ?? false
    }

    static func setActive(
        _ id: RevisionID, lock: [LockedComponent], of core: String, in db: Database
    ) throws {
        try db.execute(
            sql: """
                UPDATE core_state SET active_group = ?2, active_revision = ?3, active_lock = ?4 WHERE core = ?1
                """,
            arguments: [core, id.group, Int64(clamping: id.number), ComponentLock.digest(of: lock)])
    }

    static func remember(core: String, mayRun id: RevisionID, in db: Database) throws {
        try db.execute(
            sql: "INSERT OR IGNORE INTO core_revision (core, fleet_group, revision) VALUES (?, ?, ?)",
            arguments: [core, id.group, Int64(clamping: id.number)])
    }
}
