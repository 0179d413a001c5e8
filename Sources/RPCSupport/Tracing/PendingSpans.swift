/// Spans that a transaction has begun: they end when it is on the disk, and are forgotten where it failed, for then
/// what they tell did not happen.
public struct PendingSpans: Sendable {
    private struct Entry {
        let spans: MessageSpans
        /// When it ended; the commit where it is nil.
        let end: TraceTime?
        let failure: String?
    }

    private var entries: [Entry] = []

    /// None.
    public init() {}

    /// Adds spans of one step.
    ///
    /// - Parameters:
    ///   - end: when the step ended; with the commit where it is nil.
    ///   - failure: why it failed; nil where it went well.
    public mutating func add(_ spans: MessageSpans, endedAt end: TraceTime? = nil, failure: String? = nil) {
        guard !spans.isEmpty else { return }
        entries.append(Entry(spans: spans, end: end, failure: failure))
    }

    /// Adds those of a part.
    public mutating func add(_ other: PendingSpans) { entries.append(contentsOf: other.entries) }

    /// The transaction is on the disk.
    public func commit(at time: @autoclosure () -> TraceTime = .now) {
        guard !entries.isEmpty else { return }
        let time = time()
        for entry in entries { entry.spans.end(at: entry.end ?? time, failure: entry.failure) }
    }
}
