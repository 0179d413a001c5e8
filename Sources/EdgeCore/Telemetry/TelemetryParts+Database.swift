import GRDB
import StreamStore

// The core's database, as everything of the telemetry uses it.

extension TelemetryParts {
    /// Runs work in the next transaction, after what the cloud has was freed: so that nothing of that is overwritten,
    /// deleted or expired as if it were lost.
    ///
    /// - Throws: what the work throws, `StorageError`, `CommitterClosed`; see ``GroupCommitter``.
    func commit<Value: Sendable>(
        needsRoom: Bool = false, isSynced: Bool = true, _ work: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        let freed = PendingAcknowledgements.Taken()
        do {
            return try await committer.commit(needsRoom: needsRoom, isSynced: isSynced) { db in
                try acknowledgements.apply(db, freed)
                return try work(db)
            }
        } catch {
            acknowledgements.giveBack(freed)
            throw error
        }
    }

    /// Reads; damage that is met ends the core, so that the next start can deal with it.
    func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        do {
            return try await pool.read(body)
        } catch {
            committer.met(error)
            throw error
        }
    }
}
