/// What stands behind `Publish`: the core's router and streams, or the cloud's store.
public protocol PublishBackend: Sendable {
    /// Opens a session: finds or makes the cursor of its epoch, records what was lost, durably.
    ///
    /// - Returns: The sequence after which the publisher goes on.
    /// - Throws: ``HedgerowError`` where the publisher may not.
    func open(_ session: IngestSession) async throws -> UInt64

    /// Takes items in order and returns when what became of them is on the disk.
    ///
    /// - Throws: ``HedgerowError`` `SESSION_SUPERSEDED` where the session is no longer the live one;
    ///   `STORAGE_FAILED` where nothing was stored.
    func ingest(_ items: [IngestItem], session: IngestSession) async throws -> IngestOutcome

    /// Tells that a session ended, however it did.
    func closed(_ session: IngestSession) async
}
