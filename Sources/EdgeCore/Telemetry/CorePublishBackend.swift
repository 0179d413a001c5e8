import GRDB
import GRPCCore
import HedgerowAPI
import Logging
import RPCSupport
import StreamStore

/// What stands behind the core's `Publish`: routes, durable streams, queues.
struct CorePublishBackend: PublishBackend {
    let parts: TelemetryParts

    func open(_ session: IngestSession) async throws -> UInt64 {
        let (resumeAfter, woken) = try await write(session) { try $0.open() }
        parts.uplinks.wake(woken)
        return resumeAfter
    }

    func ingest(_ items: [IngestItem], session: IngestSession) async throws -> IngestOutcome {
        let result = try await write(session) { try $0.ingest(items) }
        result.spans.commit()
        parts.uplinks.wake(result.wokenStreams)
        for message in result.transient {
            parts.uplinks.send(message.publication, bytes: message.bytes, stream: message.stream)
        }
        parts.outlets.wake(result.wokenThings)
        for (thing, records) in result.live { parts.outlets.send(records, toThing: thing) }
        parts.activity.record(result.tallies, now: parts.clock.now)
        if result.overwritten > 0 {
            parts.onceAMinute("stream overwritten") {
                parts.logger.warning(
                    "a full stream overwrote its oldest messages; the ledger names them",
                    metadata: ["messages.count": "\(result.overwritten)"])
            }
        }
        return result.outcome
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
        _ session: IngestSession, _ work: @escaping @Sendable (CoreIngestTransaction) throws -> Value
    ) async throws -> Value {
        do {
            return try await parts.committer.commit { db in
                try parts.sessions.requireLive(session)
                return try work(transaction(db, session))
            }
        } catch let error as StorageError {
            throw HedgerowError(
                .unavailable, .storageFailed, "nothing was stored: \(error)", retryAfter: .seconds(5),
                cause: error)
        } catch let error as CommitterClosed {
            throw HedgerowError(
                .unavailable, .shuttingDown, "\(error)", retryAfter: .seconds(1), cause: error)
        }
    }

    private func transaction(_ db: Database, _ session: IngestSession) -> CoreIngestTransaction {
        CoreIngestTransaction(
            db: db, session: session, router: parts.router, table: parts.table, host: parts.host,
            epoch: parts.epoch, core: parts.core, now: parts.clock.now,
            isClockDoubtful: parts.isClockDoubtful(), tracer: parts.tracer)
    }
}
