import Observability
import RPCSupport
import Synchronization
import Tracing

/// The spans `thing publish` of sampled messages: from `publish` to the acknowledgement.
///
/// Bounded: above ``maximumOpen`` messages that are under way, the spans of further ones end when they are buffered.
final class PublicationTraces: Sendable {
    /// Most spans that wait for an acknowledgement.
    static let maximumOpen = 1_000

    private struct State {
        var open: [UInt64: any Span] = [:]
        /// Everything up to here was settled before its span could be entered.
        var settled: UInt64 = 0
    }

    private let tracer: MessageTracer
    private let state = Mutex(State())

    /// Nil where nothing is recorded.
    init?(_ tracer: MessageTracer? = MessageTracer()) {
        guard let tracer else { return nil }
        self.tracer = tracer
    }

    /// Begins the span of a message, within the message's own trace, else within what the task does, else as a new
    /// trace. A sampled message carries the span from then on.
    func begin(_ message: inout OutgoingMessage, qos: DeliveryGuarantee) -> (any Span)? {
        // A trace must not make a message too large that is not.
        guard message.hasRoomForTrace else { return nil }
        let span =
            message.traceparent.isEmpty
            ? tracer.startInCurrentTrace("thing publish", ofKind: .producer)
            : tracer.start("thing publish", parent: message.traceparent, ofKind: .producer)
        guard let span, span.isRecording, let trace = span.context.traceContext else { return nil }
        message.trace(as: trace.traceparent)
        let topic = message.topic
        span.updateAttributes {
            $0["messaging.system"] = "hedgerow"
            $0["messaging.operation.name"] = "publish"
            $0["messaging.destination.name"] = topic
            $0["hedgerow.qos"] = qos == .atLeastOnce ? 1 : 0
        }
        return span
    }

    /// The message of a span was buffered under a sequence; the span ends with its acknowledgement.
    func enter(_ span: any Span, sequence: UInt64) {
        span.updateAttributes { $0["hedgerow.sequence"] = Int64(clamping: sequence) }
        let isKept = state.withLock { state in
            guard sequence > state.settled, state.open.count < Self.maximumOpen else { return false }
            state.open[sequence] = span
            return true
        }
        if !isKept { span.end() }
    }

    /// What happened to messages: ends the spans of those that are settled.
    func note(_ event: ThingEvent) {
        switch event {
        case .acknowledged(_, let sequences):
            // What lies below was refused or has given way; those that were refused are gone from here already.
            end(through: sequences.upperBound) { sequences.contains($0) ? nil : "dropped from a full buffer" }
        case .rejected(let sequences?, let reason, let detail):
            end(sequences) { "\(reason.wireName): \(detail)" }
        default: break
        }
    }

    /// The thing ends; nobody will say what became of the rest.
    func close() {
        end(through: .max) { _ in "not acknowledged when the thing ended" }
    }

    private func end(through last: UInt64, failure: (UInt64) -> String?) {
        let ended = state.withLock { state in
            state.settled = max(state.settled, last)
            let ended = state.open.filter { $0.key <= last }
            for sequence in ended.keys { state.open[sequence] = nil }
            return ended
        }
        for (sequence, span) in ended {
            if let failure = failure(sequence) { span.setStatus(.init(code: .error, message: failure)) }
            span.end()
        }
    }

    private func end(_ sequences: ClosedRange<UInt64>, failure: () -> String) {
        let ended = state.withLock { state in
            let ended = state.open.filter { sequences.contains($0.key) }
            for sequence in ended.keys { state.open[sequence] = nil }
            return ended.values
        }
        for span in ended {
            span.setStatus(.init(code: .error, message: failure()))
            span.end()
        }
    }
}
