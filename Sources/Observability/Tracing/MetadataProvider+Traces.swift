public import Logging
import Tracing

extension Logger.MetadataProvider {
    /// The sampled trace that the current task works for, as `trace_id` and `span_id`; nothing where there is none.
    ///
    /// The names are those that OpenTelemetry recommends for logs in other formats ("Trace Context in non-OTLP Log
    /// Formats").
    public static let traces = Logger.MetadataProvider {
        guard let trace = InstrumentationContext.current?.traceContext, trace.isSampled else { return [:] }
        return ["trace_id": "\(trace.traceID)", "span_id": "\(trace.spanIDText)"]
    }
}
