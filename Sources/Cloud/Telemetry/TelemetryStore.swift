import Foundation
import HedgerowAPI
import Messaging
import RPCSupport
import StreamStore

/// Where the cloud keeps what was published. Everything that returns has it on the disk.
///
/// The implementation here is SQLite; a distributed engine can take its place.
protocol TelemetryStore: Sendable {
    /// Opens a publisher's session; returns the sequence to go on after.
    func open(_ session: IngestSession) async throws -> (cursor: UInt64, counts: LedgerCounts)
    /// Takes a publisher's items in order.
    func ingest(_ items: [IngestItem], session: IngestSession) async throws -> IngestTransaction.Result
    /// One page of history.
    func query(_ query: HistoryQuery) async throws -> HistoryPage
    /// The account of one thing; nil where nothing was ever heard of it.
    func ledger(of thing: String, offset: Int, limit: Int) async throws
        -> Hedgerow_Telemetry_V1_GetLedgerResponse?
    /// Deletes what is too old or too much; returns how many messages went.
    func enforceRetention(_ policy: RetentionPolicy) async throws -> Int
    /// The oldest messages that wait for a thing, behind an id.
    func waiting(forThing thing: String, after id: Int64, limit: Int) async throws -> [SubscriberQueue.Item]
    /// A thing is done with messages.
    func acknowledge(thing: String, ids: [Int64]) async throws
    /// How many messages of a thing's queue fell out since this was last asked; expires old ones first.
    func takeDropped(thing: String) async throws -> UInt64
}
