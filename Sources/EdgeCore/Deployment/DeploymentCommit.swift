import GRDB
import StreamStore

/// Writes what belongs to deployments, as one transaction.
///
/// It goes through what writes everything else of the core, so that a full disk is met in time: what needs room is then
/// refused, and that it was refused can still be written down.
struct DeploymentCommit: Sendable {
    private let write: @Sendable (Bool, @escaping @Sendable (Database) throws -> Void) async throws -> Void

    /// Through anything that runs a transaction, which is told whether it needs room.
    init(
        _ write:
            @escaping @Sendable (Bool, @escaping @Sendable (Database) throws -> Void) async throws -> Void
    ) {
        self.write = write
    }

    /// Straight to the database.
    init(_ database: DatabasePool) {
        self.init { _, work in
            do {
                try await database.write(work)
            } catch let error as DatabaseError {
                throw StorageError(error, path: database.path)
            }
        }
    }

    /// Runs a transaction.
    ///
    /// - Parameter needsRoom: whether it may be refused on a full disk.
    func callAsFunction(
        _ needsRoom: Bool, _ work: @escaping @Sendable (Database) throws -> Void
    ) async throws { try await write(needsRoom, work) }
}
