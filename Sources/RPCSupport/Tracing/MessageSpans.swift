public import HedgerowAPI
import Observability
import SwiftProtobuf
public import Tracing

/// The spans of one step for the sampled messages of one batch.
public struct MessageSpans: Sendable {
    /// Most messages of one batch that get spans; the others keep their trace and go on without.
    public static let maximumRows = 16

    private var spans: [(row: UInt32, span: any Span, traceparent: String)] = []

    /// None.
    public init() {}

    /// Whether there are none.
    public var isEmpty: Bool { spans.isEmpty }

    /// `traceparent` of each message's span, by its row.
    public var traceparents: [UInt32: String] {
        Dictionary(spans.map { ($0.row, $0.traceparent) }, uniquingKeysWith: { first, _ in first })
    }

    mutating func add(_ span: any Span, row: UInt32) {
        guard let trace = span.context.traceContext else { return }
        spans.append((row, span, trace.traceparent))
    }

    /// Makes the messages of the batch continue from these spans: their `traceparent` names them.
    public func mark(_ batch: inout Hedgerow_Type_V1_Batch) {
        guard !spans.isEmpty else { return }
        let new = traceparents
        var marked: Set<UInt32> = []
        for index in batch.traces.indices {
            guard let traceparent = new[batch.traces[index].row] else { continue }
            batch.traces[index].traceparent = traceparent
            marked.insert(batch.traces[index].row)
        }
        for (row, _, traceparent) in spans where !marked.contains(row) {
            batch.traces.append(
                .with {
                    $0.row = row
                    $0.traceparent = traceparent
                })
        }
    }

    /// Says more about each.
    public func set(_ update: (inout SpanAttributes) -> Void) {
        for entry in spans { entry.span.updateAttributes(update) }
    }

    /// Says of one message's step that it failed.
    public func fail(row: Int, _ message: String) {
        for entry in spans where Int(entry.row) == row {
            entry.span.setStatus(.init(code: .error, message: message))
        }
    }

    /// Ends them.
    ///
    /// - Parameter failure: why the step failed for all of them; nil where it went well.
    public func end(at time: TraceTime = .now, failure: String? = nil) {
        for entry in spans {
            if let failure { entry.span.setStatus(.init(code: .error, message: failure)) }
            entry.span.end(at: time)
        }
    }
}
