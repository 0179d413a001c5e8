import FoundationEssentials
import GRDB
import HedgerowAPI
import SwiftProtobuf

/// A revision as it lies on disk, with the sum that was made when it was written.
struct StoredRevision: Sendable {
    /// Where a revision is kept.
    enum Place: String, Sendable {
        /// The one that runs.
        case active = "active_deployment"
        /// The last one that settled before it.
        case previous = "previous_deployment"
    }

    /// What is found at a place.
    enum Found: Sendable {
        /// Nothing was ever put there.
        case nothing
        /// It is not what was put there.
        case damaged
        /// It is what was put there.
        case intact(StoredRevision)

        var revision: StoredRevision? { if case .intact(let stored) = self { stored } else { nil } }
    }

    /// The revision.
    let revision: Hedgerow_Type_V1_GroupRevision
    /// The deployment that brought it.
    let deploymentID: String
    /// When it began to run, milliseconds since 1970.
    let time: Int64
    /// Whether it has settled.
    var isSettled = true

    /// Adds what is needed to keep two revisions.
    static func createTable(_ db: Database) throws {
        try db.execute(
            sql: """
                ALTER TABLE active_deployment ADD COLUMN settled INTEGER NOT NULL DEFAULT 1;
                CREATE TABLE previous_deployment (
                    id INTEGER PRIMARY KEY CHECK (id = 1),
                    deployment_id TEXT NOT NULL,
                    group_name TEXT NOT NULL,
                    revision INTEGER NOT NULL,
                    definition BLOB NOT NULL,
                    digest BLOB NOT NULL,
                    apply_time INTEGER NOT NULL,
                    settled INTEGER NOT NULL DEFAULT 1
                ) STRICT;
                """)
    }

    /// What is at a place.
    static func find(_ db: Database, at place: Place) throws -> Found {
        guard let row = try Row.fetchOne(db, sql: "SELECT * FROM \(place.rawValue) WHERE id = 1") else {
            return .nothing
        }
        guard let id = String.fromDatabaseValue(row["deployment_id"]),
            let definition = Data.fromDatabaseValue(row["definition"]),
            let digest = Data.fromDatabaseValue(row["digest"]),
            let time = Int64.fromDatabaseValue(row["apply_time"]),
            let isSettled = Bool.fromDatabaseValue(row["settled"]),
            DeploymentRecord.digest(definition) == digest,
            let revision = try? Hedgerow_Type_V1_GroupRevision(serializedBytes: definition)
        else { return .damaged }
        return .intact(
            StoredRevision(revision: revision, deploymentID: id, time: time, isSettled: isSettled))
    }

    /// Puts it at a place.
    func save(_ db: Database, at place: Place) throws {
        let definition = try DeploymentRecord.bytes(of: revision)
        try db.execute(
            sql: """
                INSERT OR REPLACE INTO \(place.rawValue)
                    (id, deployment_id, group_name, revision, definition, digest, apply_time, settled)
                VALUES (1, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                deploymentID, revision.group, Int64(clamping: revision.revision), definition,
                DeploymentRecord.digest(definition), time, isSettled,
            ])
    }
}
