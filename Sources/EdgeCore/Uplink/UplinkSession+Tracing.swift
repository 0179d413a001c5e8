import HedgerowAPI
import RPCSupport
import StreamStore
import Tracing

extension UplinkSession {
    /// Records that sampled messages waited in the stream, and begins the spans `core forward`, from which the cloud
    /// continues. Those of messages that were there before a restart belong to the same traces.
    func forwarding(_ batch: inout Batch, waitingSince appended: Int64) -> MessageSpans {
        guard let tracer = parts.tracer else { return MessageSpans() }
        let wait = tracer.start("core wait", for: batch, at: TraceTime(microseconds: appended))
        guard !wait.isEmpty else { return wait }
        let stream = epoch.stream
        wait.set { $0["hedgerow.stream"] = stream }
        wait.mark(&batch)
        wait.end()
        return forwarding(&batch)
    }

    /// Begins the spans `core forward` of messages that did not wait.
    func forwarding(_ batch: inout Batch) -> MessageSpans {
        guard let tracer = parts.tracer else { return MessageSpans() }
        let forward = tracer.start("core forward", for: batch, ofKind: .producer)
        let (stream, topic) = (epoch.stream, batch.topic)
        forward.set {
            $0["messaging.system"] = "hedgerow"
            $0["messaging.operation.name"] = "publish"
            $0["messaging.destination.name"] = topic
            $0["hedgerow.stream"] = stream
        }
        forward.mark(&batch)
        return forward
    }

    /// QoS 0: on their way is all that is ever known of them.
    func forwardingUnacknowledged(_ publications: inout [Publication]) {
        guard parts.tracer != nil else { return }
        for index in publications.indices where !publications[index].batch.traces.isEmpty {
            forwarding(&publications[index].batch).end()
        }
    }
}
