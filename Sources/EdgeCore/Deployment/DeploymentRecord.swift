import Crypto
import Foundation
import GRDB
import HedgerowAPI
import SwiftProtobuf

/// A deployment as the core keeps it: one row, with a sum over all of it.
///
/// The row of the one that is under way has the revision; those that are over keep how they ended, so that a deployment
/// that is delivered again is answered and not run again. ``maximumKept`` rows are kept.
struct DeploymentRecord: Sendable {
    /// Most deployments that are kept, the one under way among them.
    static let maximumKept = 16
    /// The longest settling time, as the cloud may ask for it: a day.
    static let longestSettling: Duration = .seconds(86_400)

    /// The deployment.
    let id: String
    /// What to run; nil once it is over.
    let revision: Hedgerow_Type_V1_GroupRevision?
    /// SHA-256 of the revision as bytes.
    let digest: Data
    /// How long its components are watched after the switch.
    let settlingTime: Duration
    /// Where it is.
    var progress: DeploymentProgress

    private let definition: Data

    /// A new one.
    init(_ assignment: Hedgerow_Deployment_V1_DeploymentAssignment) throws {
        id = assignment.deploymentID
        revision = assignment.revision
        definition = try Self.bytes(of: assignment.revision)
        digest = Self.digest(definition)
        let asked = Duration(
            secondsComponent: assignment.settlingTime.seconds,
            attosecondsComponent: Int64(assignment.settlingTime.nanos) * 1_000_000_000)
        settlingTime = min(max(asked, .zero), Self.longestSettling)
        progress = DeploymentProgress(policy: assignment.failurePolicy == .stay ? .stay : .rollback)
    }

    /// Whether an assignment is this deployment, with the same content.
    func isSame(as other: DeploymentRecord) -> Bool { id == other.id && digest == other.digest }

    /// A revision as bytes, always the same ones.
    static func bytes(of revision: Hedgerow_Type_V1_GroupRevision) throws -> Data {
        var options = BinaryEncodingOptions()
        options.useDeterministicOrdering = true
        return try revision.serializedBytes(options: options)
    }

    /// The SHA-256 of bytes.
    static func digest(_ bytes: Data) -> Data { Data(SHA256.hash(data: bytes)) }
}

// MARK: On disk

extension DeploymentRecord {
    /// The deployment moved on since it was looked at.
    struct Moved: Error {}

    /// A row that is not the one that was written.
    private struct Damaged: Error {}

    /// Makes the table.
    static func createTable(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE deployment (
                    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                    deployment_id TEXT NOT NULL,
                    definition BLOB NOT NULL,
                    digest BLOB NOT NULL,
                    policy TEXT NOT NULL,
                    settling_milliseconds INTEGER NOT NULL,
                    stage TEXT NOT NULL,
                    restarts INTEGER NOT NULL,
                    ending TEXT NOT NULL,
                    outcome TEXT NOT NULL,
                    reason TEXT NOT NULL,
                    checksum BLOB NOT NULL
                ) STRICT
                """)
    }

    /// The newest deployment; nil where there is none.
    ///
    /// Removes what is not what was once written, on the way.
    ///
    /// - Returns: how many rows were removed, too.
    static func newest(_ db: Database) throws -> (record: DeploymentRecord?, damaged: Int) {
        var damaged = 0
        while let row = try Row.fetchOne(db, sql: "SELECT * FROM deployment ORDER BY sequence DESC LIMIT 1") {
            if let record = try? DeploymentRecord(row) { return (record, damaged) }
            damaged += 1
            try db.execute(
                sql: "DELETE FROM deployment WHERE sequence = ?", arguments: [row["sequence"] as Int64])
        }
        return (nil, damaged)
    }

    /// The newest deployment of an id; nil where there is none that can be read.
    static func find(_ db: Database, id: String) throws -> DeploymentRecord? {
        try Row.fetchOne(
            db, sql: "SELECT * FROM deployment WHERE deployment_id = ? ORDER BY sequence DESC LIMIT 1",
            arguments: [id]
        ).flatMap { try? DeploymentRecord($0) }
    }

    /// Adds the row, in the place of older ones of its id, and forgets the oldest deployments.
    func insert(_ db: Database) throws {
        try db.execute(sql: "DELETE FROM deployment WHERE deployment_id = ?", arguments: [id])
        try db.execute(
            sql: """
                INSERT INTO deployment (deployment_id, definition, digest, policy, settling_milliseconds, stage,
                    restarts, ending, outcome, reason, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                id, keptDefinition, digest, progress.policy.rawValue, settlingTime.milliseconds,
                progress.stage.rawValue, progress.restarts, progress.ending?.rawValue ?? "",
                progress.outcome?.rawValue ?? "", progress.reason, checksum,
            ])
        try db.execute(
            sql: "DELETE FROM deployment WHERE sequence <= ?",
            arguments: [db.lastInsertedRowID - Int64(Self.maximumKept)])
    }

    /// Replaces what is on disk, if that is still as it is known.
    ///
    /// - Throws: ``Moved`` where the deployment is elsewhere, or its row is gone.
    func replace(_ known: DeploymentRecord, in db: Database) throws {
        try db.execute(
            sql: """
                UPDATE deployment SET definition = ?, stage = ?, restarts = ?, ending = ?, outcome = ?, reason = ?,
                    checksum = ?
                WHERE deployment_id = ? AND checksum = ?
                """,
            arguments: [
                keptDefinition, progress.stage.rawValue, progress.restarts, progress.ending?.rawValue ?? "",
                progress.outcome?.rawValue ?? "", progress.reason, checksum, id, known.checksum,
            ])
        guard db.changesCount == 1 else { throw Moved() }
    }

    /// What is over needs its revision no more.
    private var keptDefinition: Data { progress.isOver ? Data() : definition }

    private init(_ row: Row) throws {
        guard let id = String.fromDatabaseValue(row["deployment_id"]),
            let definition = Data.fromDatabaseValue(row["definition"]),
            let digest = Data.fromDatabaseValue(row["digest"]),
            let policy = String.fromDatabaseValue(row["policy"]).flatMap(DeploymentProgress.Policy.init),
            let settling = Int64.fromDatabaseValue(row["settling_milliseconds"]),
            let stage = String.fromDatabaseValue(row["stage"]).flatMap(DeploymentProgress.Stage.init),
            let restarts = Int.fromDatabaseValue(row["restarts"]),
            let ending = String.fromDatabaseValue(row["ending"]),
            let outcome = String.fromDatabaseValue(row["outcome"]),
            let reason = String.fromDatabaseValue(row["reason"]),
            let checksum = Data.fromDatabaseValue(row["checksum"])
        else { throw Damaged() }
        self.id = id
        self.definition = definition
        self.digest = digest
        settlingTime = .milliseconds(settling)
        progress = DeploymentProgress(
            policy: policy, stage: stage, outcome: DeploymentProgress.Outcome(rawValue: outcome),
            restarts: restarts, reason: reason, ending: DeploymentProgress.Outcome(rawValue: ending))
        if progress.isOver {
            revision = nil
        } else {
            guard Self.digest(definition) == digest else { throw Damaged() }
            revision = try Hedgerow_Type_V1_GroupRevision(serializedBytes: definition)
        }
        guard self.checksum == checksum else { throw Damaged() }
    }

    /// The sum over everything but the definition, which has one of its own.
    private var checksum: Data {
        var hash = SHA256()
        let parts = [
            Data(id.utf8), digest, Data("\(progress.isOver)".utf8), Data(progress.policy.rawValue.utf8),
            Data("\(settlingTime.milliseconds)".utf8), Data(progress.stage.rawValue.utf8),
            Data("\(progress.restarts)".utf8), Data((progress.ending?.rawValue ?? "").utf8),
            Data((progress.outcome?.rawValue ?? "").utf8), Data(progress.reason.utf8),
        ]
        for part in parts {
            hash.update(data: Data("\(part.count):".utf8))
            hash.update(data: part)
        }
        return Data(hash.finalize())
    }
}

extension Duration {
    /// Whole milliseconds.
    fileprivate var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    }
}
