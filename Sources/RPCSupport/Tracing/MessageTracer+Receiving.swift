public import HedgerowAPI
import Messaging
import Tracing

extension MessageTracer {
    /// Room that a batch must have left for a trace that begins with it: it must not grow beyond what the next hop takes.
    private static let roomForTrace = 256

    /// The step in which a server takes a publication: a span for each sampled message, within the publisher's.
    ///
    /// Where the publisher knows nothing of tracing, the sampler of this program decides whether a trace begins with
    /// the first message; then the batch is marked with it.
    ///
    /// - Parameters:
    ///   - name: which step.
    ///   - batch: messages of the publication.
    ///   - bytes: size of the batch.
    ///   - publication: what came.
    ///   - session: whose.
    public func receive(
        _ name: String, _ batch: inout Hedgerow_Type_V1_Batch, bytes: Int,
        of publication: IncomingPublication,
        session: IngestSession
    ) -> MessageSpans {
        let spans: MessageSpans
        if !batch.traces.isEmpty {
            spans = start(name, for: batch, ofKind: .consumer, at: publication.arrival)
        } else if session.callerTraces || bytes + Self.roomForTrace > MessageLimits.standard.maximumBatchBytes
        {
            return MessageSpans()
        } else {
            spans = beginTrace(name, with: batch, ofKind: .consumer, at: publication.arrival)
            spans.mark(&batch)
        }
        let topic = batch.topic
        let count = batch.count
        spans.set {
            $0["messaging.system"] = "hedgerow"
            $0["messaging.operation.name"] = "receive"
            $0["messaging.destination.name"] = topic
            $0["messaging.batch.message_count"] = Int64(count)
            $0["hedgerow.publisher"] = "\(session.publisher)"
            $0["hedgerow.stream"] = session.stream
        }
        return spans
    }
}
