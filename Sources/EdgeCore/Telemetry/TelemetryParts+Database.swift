import GRDB
import HedgerowAPI
import Logging
import RPCSupport
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

    // MARK: Messages

    /// What the core does with messages inside a transaction, under the revision that is in force when it runs.
    func transaction(
        _ db: Database, _ session: IngestSession, isSynced: Bool = true
    ) -> CoreIngestTransaction {
        let now = clock.now
        return CoreIngestTransaction(
            db: db, session: session, router: router, table: table,
            host: ShadowHost(base: host, db: db, shadows: shadows, now: now), lanes: lanes,
            homes: streams, core: core, now: now, isClockDoubtful: isClockDoubtful(),
            shadows: shadows, isSynced: isSynced, tracer: tracer)
    }

    /// Tells everyone of what a transaction did, once it is committed.
    func carryOut(_ result: CoreIngestTransaction.Result) {
        result.spans.commit()
        uplinks.wake(result.wokenStreams, messages: result.appended)
        exports.wake(result.wokenStreams)
        counters.appended(result.appended, bytes: result.appendedBytes)
        for message in result.transient {
            uplinks.send(message.publication, bytes: message.bytes, stream: message.stream)
        }
        outlets.wake(result.wokenThings)
        for (thing, records) in result.live { outlets.send(records, toThing: thing) }
        inboxes.wake(result.wokenInboxes)
        inboxes.offer(result.transientEvents)
        activity.record(result.tallies, now: clock.now)
        shadows.tell(result.shadows, rejected: result.rejectedShadows)
        if let problem = result.shadowProblem {
            onceAMinute("shadow \(problem)") {
                logger.warning(
                    "a message could not change a shadow", metadata: ["error.message": "\(problem)"])
            }
        }
        for (stream, count) in result.overwrittenOf { counters.lost(count, .overwritten, of: stream) }
        if result.overwritten > 0 {
            onceAMinute("stream overwritten") {
                logger.warning(
                    "a full stream overwrote its oldest messages; the ledger names them",
                    metadata: ["messages.count": "\(result.overwritten)"])
            }
        }
    }
}
