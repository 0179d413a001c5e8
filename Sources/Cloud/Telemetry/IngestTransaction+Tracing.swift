import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import Tracing

// What is recorded of sampled messages: `cloud receive` from the arrival to the disk, and within it `cloud store`. Both
// end when the transaction is on the disk.

extension IngestTransaction {
    /// Spans of a publication that is being taken.
    struct Spans {
        var receive = MessageSpans()
        var store = MessageSpans()
    }

    /// Begins the spans of a publication. Its messages keep the trace that they came with.
    func receive(
        _ content: inout IncomingPublication.Checked, of publication: IncomingPublication
    ) throws -> Spans {
        guard let tracer else { return Spans() }
        let isNew = content.batch.traces.isEmpty
        var spans = Spans()
        spans.receive = tracer.receive(
            "cloud receive", &content.batch, bytes: content.encoded.count, of: publication, session: session)
        guard !spans.receive.isEmpty else { return spans }
        if isNew { content.encoded = try content.batch.serializedBytes() }
        var marked = content.batch
        spans.receive.mark(&marked)
        spans.store = tracer.start("cloud store", for: marked)
        return spans
    }

    /// The publication's messages are written, or were there before.
    func stored(
        _ new: [StoredMessages], of publication: IncomingPublication, continuing spans: Spans,
        into result: inout Result
    ) {
        guard !spans.receive.isEmpty else { return }
        let count = new.reduce(0) { $0 + $1.batch.count }
        spans.receive.set { $0["hedgerow.duplicates"] = Int64(publication.count - count) }
        if count > 0 { result.spans.add(spans.store) }
        result.spans.add(spans.receive)
    }

    /// Records that a publication was refused.
    func receiveRefused(
        _ publication: IncomingPublication, _ refusal: IncomingPublication.Refusal, into result: inout Result
    ) {
        guard let tracer, let content = try? publication.content.get() else { return }
        var batch = content.batch
        let spans = tracer.receive(
            "cloud receive", &batch, bytes: content.encoded.count, of: publication, session: session)
        result.spans.add(spans, failure: "\(refusal.reason.wireName): \(refusal.detail)")
    }
}
