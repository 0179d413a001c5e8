import HedgerowAPI
import Messaging
import RPCSupport
import StreamStore
import SwiftProtobuf
import Tracing

// What is recorded of sampled messages. The spans are ended by the backend when the transaction is on the disk; what a
// batch in a stream carries is the span of its append, so that the trace goes on after a restart. Messages that
// nobody samples cost one comparison.

extension CoreIngestTransaction {
    /// Begins the spans `core receive`, and makes the messages continue from them.
    func receive(
        _ batch: inout Batch, _ encoded: inout [UInt8], _ publication: IncomingPublication
    ) throws -> MessageSpans {
        guard let tracer else { return MessageSpans() }
        let spans = tracer.receive(
            "core receive", &batch, bytes: encoded.count, of: publication, session: session)
        guard !spans.isEmpty else { return spans }
        spans.mark(&batch)
        encoded = try batch.serializedBytes()
        return spans
    }

    /// Records that a publication was refused.
    func receiveRefused(
        _ publication: IncomingPublication, _ refusal: IncomingPublication.Refusal, into result: inout Result
    ) {
        guard let tracer, let content = try? publication.content.get() else { return }
        var batch = content.batch
        let spans = tracer.receive(
            "core receive", &batch, bytes: content.encoded.count, of: publication, session: session)
        result.spans.add(spans, failure: "\(refusal.reason.wireName): \(refusal.detail)")
    }

    /// A batch as it is stored: its sampled messages continue from the spans `core append`.
    func appending(
        _ batch: Batch, _ encoded: [UInt8], to streams: [String], into result: inout Result
    ) throws -> (payload: [UInt8], tracedSince: Int64?) {
        guard !batch.traces.isEmpty else { return (encoded, nil) }
        let time = TraceTime.now
        let since = Int64(clamping: time.nanosecondsSinceEpoch / 1_000)
        guard let tracer else { return (encoded, since) }
        let spans = tracer.start("core append", for: batch, at: time)
        guard !spans.isEmpty else { return (encoded, since) }
        spans.set { $0["hedgerow.stream"] = streams.joined(separator: ",") }
        var marked = batch
        spans.mark(&marked)
        result.spans.add(spans)
        return (try marked.serializedBytes(), since)
    }
}
