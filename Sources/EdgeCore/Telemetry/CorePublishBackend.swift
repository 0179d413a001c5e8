import Components
import GRDB
import GRPCCore
import HedgerowAPI
import Identity
import Logging
import RPCSupport
import StreamStore

/// What stands behind the core's `Publish`: routes, durable streams, queues.
struct CorePublishBackend: PublishBackend {
    /// When a publisher is to be looked at again while the disk is full.
    static let pauseOfFullDisk = Duration.seconds(2)

    let parts: TelemetryParts

    func open(_ session: IngestSession) async throws -> UInt64 {
        let (resumeAfter, woken) = try await write(session) { try $0.open() }
        parts.uplinks.wake(woken)
        return resumeAfter
    }

    func ingest(_ items: [IngestItem], session: IngestSession) async throws -> IngestOutcome {
        let items = IngestItem.joining(items)
        let result: CoreIngestTransaction.Result
        do {
            result = try await write(session, needsRoom: true, isSynced: needsSync(items, session)) {
                try $0.ingest(items)
            }
        } catch StorageError.full {
            // Nothing of it is acknowledged; the publisher keeps its stream and what it wants to send.
            var outcome = IngestOutcome(acknowledged: 0)
            outcome.pause = .init(reason: .storageFailed, retryAfter: Self.pauseOfFullDisk)
            outcome.remainder = items
            return outcome
        }
        parts.ingested.count(items, result.outcome)
        parts.carryOut(result)
        return result.outcome
    }

    /// Whether a power cut must not take what is acknowledged of items: not where the publisher asked for less, nor
    /// where all of it goes to streams in memory.
    private func needsSync(_ items: [IngestItem], _ session: IngestSession) -> Bool {
        guard session.wantsSync else { return false }
        let table = parts.table
        guard table.hasStreamsInMemory else { return true }
        return items.contains { item in
            guard case .messages(let publication) = item, let content = try? publication.content.get() else {
                return true
            }
            let route = parts.router.route(from: session.publisher.name, topic: content.topic, by: table)
            return !route.things.isEmpty || !route.components.isEmpty || route.streams.isEmpty
                || route.streams.contains { table.settings(of: $0).persistence == .disk }
        }
    }

    func closed(_ session: IngestSession) async {
        do {
            let woken = try await parts.committer.commit { db in try transaction(db, session).close() }
            parts.uplinks.wake(woken)
        } catch {
            // What is open stays in the database and is accounted for with the thing's next session.
            parts.logger.debug("coverage not closed", metadata: ["error.message": "\(error)"])
        }
    }

    /// One piece of work in the next transaction, under the revision that is in force when it runs.
    private func write<Value: Sendable>(
        _ session: IngestSession, needsRoom: Bool = false, isSynced: Bool = true,
        _ work: @escaping @Sendable (CoreIngestTransaction) throws -> Value
    ) async throws -> Value {
        do {
            return try await parts.commit(needsRoom: needsRoom, isSynced: isSynced) { db in
                try parts.sessions.requireLive(session)
                return try work(transaction(db, session, isSynced: isSynced))
            }
        } catch {
            throw Self.refusal(error, needsRoom: needsRoom)
        }
    }

    private static func refusal(_ error: any Error, needsRoom: Bool) -> any Error {
        switch error {
        case StorageError.full where needsRoom: error
        case let error as StorageError:
            HedgerowError(
                .unavailable, .storageFailed, "nothing was stored: \(error)", retryAfter: .seconds(5),
                cause: error)
        case let error as CommitterClosed:
            HedgerowError(.unavailable, .shuttingDown, "\(error)", retryAfter: .seconds(1), cause: error)
        default: error
        }
    }

    private func transaction(
        _ db: Database, _ session: IngestSession, isSynced: Bool = true
    ) -> CoreIngestTransaction { parts.transaction(db, session, isSynced: isSynced) }
}
