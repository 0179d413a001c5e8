import Foundation
import HedgerowAPI

/// A span as the demo's collector received it.
struct CollectedSpan: Hashable {
    /// `service.name` of the program that sent it.
    let service: String
    let trace: Data
    let id: Data
    /// Empty at the root.
    let parent: Data
    let name: String
    /// Nanoseconds since 1970.
    let start: UInt64
    /// Nanoseconds since 1970.
    let end: UInt64
    /// Texts and numbers, as text.
    let attributes: [String: String]

    var seconds: Double { Double(end - min(start, end)) / 1e9 }
}

extension CollectedSpan {
    init(_ span: Opentelemetry_Proto_Trace_V1_Span, service: String) {
        var attributes: [String: String] = [:]
        for attribute in span.attributes {
            switch attribute.value.value {
            case .stringValue(let text)?: attributes[attribute.key] = text
            case .intValue(let number)?: attributes[attribute.key] = "\(number)"
            default: break
            }
        }
        self.init(
            service: service, trace: span.traceID, id: span.spanID, parent: span.parentSpanID,
            name: span.name,
            start: span.startTimeUnixNano, end: span.endTimeUnixNano, attributes: attributes)
    }
}
