import Metrics

/// Counts what publishers sent and a server took, for whoever reads the metrics; next to nothing where nobody does.
public struct IngestMetrics: Sendable {
    private let messages = Counter(label: "hedgerow_ingest_messages")
    private let bytes = Counter(label: "hedgerow_ingest_bytes")

    /// What the families are.
    public static let help = [
        "hedgerow_ingest_messages": "Messages that publishers sent and this server took, repeats among them.",
        "hedgerow_ingest_bytes": "Bytes of the batches of those messages.",
    ]

    /// Makes counters.
    public init() {}

    /// Counts what was taken of items: what is left over for a full stream comes again.
    public func count(_ items: [IngestItem], _ outcome: IngestOutcome) {
        guard outcome.failure == nil else { return }
        var (messages, bytes) = (0, 0)
        for case .messages(let publication) in items.dropLast(outcome.remainder.count) {
            messages += publication.count
            if case .success(let checked) = publication.content { bytes += checked.encoded.count }
        }
        if messages > 0 { self.messages.increment(by: messages) }
        if bytes > 0 { self.bytes.increment(by: bytes) }
    }
}
