import HedgerowAPI
import RPCSupport
import Tracing

extension Deriver {
    /// Begins the spans `core transform` of the sampled messages of a pass, and makes what comes of them continue from
    /// there.
    mutating func begin(_ pass: inout Pass) -> MessageSpans {
        guard let tracer, !pass.input.batch.traces.isEmpty else { return MessageSpans() }
        let spans = tracer.start("core transform", for: pass.input.batch)
        let component = pass.component
        spans.set {
            $0["hedgerow.component.instance"] = component.instance
            $0["hedgerow.component.name"] = component.component
            $0["hedgerow.component.version"] = component.version
        }
        pass.traces = spans.traceparents
        return spans
    }

    /// What a pass publishes, continuing from its spans.
    func continuing(_ batch: Batch, rows: [Int], _ pass: Pass) -> Batch {
        guard !pass.traces.isEmpty, !batch.traces.isEmpty else { return batch }
        var batch = batch
        for index in batch.traces.indices {
            let row = Int(batch.traces[index].row)
            guard row < rows.count, let new = pass.traces[UInt32(rows[row])] else { continue }
            batch.traces[index].traceparent = new
        }
        return batch
    }

    /// The pass is over; its spans end with the transaction, at this time.
    mutating func end(_ spans: MessageSpans, _ pass: Pass) {
        guard !spans.isEmpty else { return }
        for (row, cause) in pass.failures { spans.fail(row: row, cause) }
        derivation.spans.add(spans, endedAt: .now)
    }
}
