import GRDB
import RPCSupport
import ShadowStore
import Shadows
import StreamStore

/// The shadows of this core, as far as they are in memory: who follows them, and whether the sync runs.
final class CoreShadows: Sendable {
    /// What they may be.
    let settings: CoreShadowSettings
    /// Wakes those who follow.
    let hub = ShadowHub()
    /// Set when something may have to be synced.
    let syncSignal = Signal()

    init(settings: CoreShadowSettings = CoreShadowSettings()) { self.settings = settings }

    /// Tells those who follow what a transaction did, once it is committed.
    func tell(_ applied: [AppliedShadow], rejected: [(key: ShadowKey, text: String)]) {
        for (key, text) in rejected { hub.rejected(key, document: text) }
        guard !applied.isEmpty else { return }
        hub.changed(applied)
        syncSignal.signal()
    }

    /// What a transaction does with shadows.
    ///
    /// - Parameter plan: that of the revision that runs: what it syncs waits for the cloud.
    func transaction(
        _ db: Database, author: String, now: Int64, plan: ShadowPlan
    ) -> ShadowTransaction {
        ShadowTransaction(
            db, side: .core, limits: settings.limits, historyDepth: settings.historyDepth, now: now,
            author: author, isForCloud: { plan.rule(for: $0.thing) != nil })
    }
}

extension TelemetryParts {
    /// Runs work on shadows over one snapshot.
    func readShadows<Value: Sendable>(
        _ work: @escaping @Sendable (ShadowTransaction) throws -> Value
    ) async throws -> Value {
        let now = clock.now
        return try await read { db in
            try work(shadows.transaction(db, author: "", now: now, plan: table.shadows))
        }
    }

    /// Runs work on shadows in a transaction that is on disk when this returns, and tells everybody what it changed.
    ///
    /// - Parameter needsRoom: whether it may make the database grow: on a full disk it is refused then.
    func commitShadows<Value: Sendable>(
        author: String, needsRoom: Bool = true,
        _ work: @escaping @Sendable (ShadowTransaction) throws -> Value
    ) async throws -> Value {
        let done = try await commit(needsRoom: needsRoom) { db in
            let now = clock.now
            let table = table
            let transaction = shadows.transaction(db, author: author, now: now, plan: table.shadows)
            let value = try work(transaction)
            var result = CoreIngestTransaction.Result(outcome: IngestOutcome(acknowledged: 0))
            result.shadows = transaction.applied
            let news = ShadowNews(core: core, epoch: epoch, now: now, isClockDoubtful: isClockDoubtful())
            news.send(transaction.applied, by: table, into: &result)
            return (value: value, result: result)
        }
        carryOut(done.result)
        return done.value
    }
}
