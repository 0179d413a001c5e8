import HedgerowAPI
import Messaging
import RPCSupport

/// What stands behind the cloud's `Publish`: the store, then those who listen.
struct CloudPublishBackend: PublishBackend {
    let store: any TelemetryStore
    let live: LiveHub
    let downlink: Downlink
    private let ingested = IngestMetrics()
    private let ledger = LedgerMetrics()

    init(store: any TelemetryStore, live: LiveHub, downlink: Downlink) {
        self.store = store
        self.live = live
        self.downlink = downlink
    }

    func open(_ session: IngestSession) async throws -> UInt64 {
        let (cursor, counts) = try await store.open(session)
        ledger.count(counts)
        return cursor
    }

    func ingest(_ items: [IngestItem], session: IngestSession) async throws -> IngestOutcome {
        let result = try await store.ingest(items, session: session)
        ingested.count(items, result.outcome)
        ledger.count(result.counts)
        for stored in result.stored {
            live.publish(topic: stored.topic, publisher: stored.thing) { stored.records }
        }
        downlink.wake(result.wokenThings)
        for (thing, records) in result.transient { downlink.send(records, toThing: thing) }
        return result.outcome
    }

    func closed(_ session: IngestSession) async {}
}
