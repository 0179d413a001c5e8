import GRDB
import Logging
import Observability
import RPCSupport
import StreamStore

/// The cloud's one database file. The control plane and the telemetry store share it, so that what must
/// change together can.
struct CloudDatabase: Sendable {
    /// Registers migrations of a part of the cloud.
    typealias Migrations = @Sendable (inout DatabaseMigrator) -> Void

    /// The pool. The control plane goes through ``read(_:)`` and ``write(_:)``.
    let pool: DatabasePool
    private let logger: Logger
    private let failures = OncePerMinute()

    /// Opens or creates the file. Blocks: not for the cooperative pool.
    ///
    /// - Parameter parts: migrations of other parts, run after the control plane's own, in this order.
    /// - Throws: `StorageError` where the file is damaged or of a newer version.
    init(path: String, parts: [Migrations] = [], logger: Logger) throws {
        self.logger = logger
        DiskRoom.makeRoomToOpen(database: path)
        pool = try DurableDatabase.open(
            path: path,
            migrate: { migrator in
                Self.registerControlPlane(&migrator)
                for part in parts { part(&migrator) }
            },
            bulkTables: ["telemetry_batch"], logger: logger)
    }

    /// Reads a consistent snapshot.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        do {
            return try await pool.read(body)
        } catch let error as DatabaseError {
            throw storageError(error)
        }
    }

    /// Runs one transaction, on disk when this returns.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        do {
            return try await pool.write(body)
        } catch let error as DatabaseError {
            throw storageError(error)
        }
    }

    /// What is left of a failure of SQLite: everything but the disk's own troubles is a fault of ours.
    private func storageError(_ error: DatabaseError) -> any Error {
        switch error.resultCode {
        case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_READONLY, .SQLITE_BUSY, .SQLITE_CANTOPEN, .SQLITE_CORRUPT,
            .SQLITE_NOTADB, .SQLITE_NOMEM:
            let text = "\(error.resultCode): \(error.message ?? "no message")"
            if let leftOut = failures.admit(text) {
                logger.error(
                    "the database failed; nothing was changed by the call",
                    metadata: ["error": "\(text)", "left-out-before": "\(leftOut)"])
            }
            return StoreError.storageFailed(text)
        default:
            return error
        }
    }
}
