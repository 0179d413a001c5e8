import RPCSupport

extension IngestTransaction {
    /// What the transaction did.
    struct Result: Sendable {
        var outcome: IngestOutcome
        var stored: [StoredMessages] = []
        /// Things for which messages were put into queues.
        var wokenThings: Set<String> = []
        /// Down messages at QoS 0, for those who are connected now.
        var transient: [(thing: String, records: [MessageRecord])] = []
        /// What is recorded of sampled messages.
        var spans = PendingSpans()
        /// What was entered into the ledger.
        var counts = LedgerCounts()
    }
}
