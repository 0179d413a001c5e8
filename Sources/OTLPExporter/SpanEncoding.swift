import Foundation
public import HedgerowAPI
public import Observability
import SwiftProtobuf
import Tracing

/// Turns spans into messages of OTLP.
public enum SpanEncoding {
    /// One request with spans of one program.
    ///
    /// - Parameters:
    ///   - spans: the spans.
    ///   - resource: what is known about the program, by name.
    ///   - version: version of the library that made them: ours.
    public static func request(
        _ spans: [SpanRecord], resource: [String: String], version: String
    ) -> Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceRequest {
        var scope = Opentelemetry_Proto_Trace_V1_ScopeSpans()
        scope.scope.name = "hedgerow"
        scope.scope.version = version
        scope.spans = spans.map(span)
        var program = Opentelemetry_Proto_Trace_V1_ResourceSpans()
        program.resource.attributes = resource.sorted { $0.key < $1.key }.map { name, value in
            .with {
                $0.key = name
                $0.value.stringValue = value
            }
        }
        program.scopeSpans = [scope]
        return .with { $0.resourceSpans = [program] }
    }

    private static func span(_ record: SpanRecord) -> Opentelemetry_Proto_Trace_V1_Span {
        var span = Opentelemetry_Proto_Trace_V1_Span()
        span.traceID = bytes(record.context.traceHigh) + bytes(record.context.traceLow)
        span.spanID = bytes(record.context.spanID)
        if let parent = record.parentSpanID { span.parentSpanID = bytes(parent) }
        span.name = record.name
        span.kind = kind(record.kind)
        span.startTimeUnixNano = record.start
        span.endTimeUnixNano = record.end
        span.attributes = attributes(record.attributes)
        span.droppedAttributesCount = UInt32(clamping: record.droppedAttributes)
        span.events = record.events.map { event in
            .with {
                $0.timeUnixNano = event.time
                $0.name = event.name
                $0.attributes = attributes(event.attributes)
            }
        }
        span.droppedEventsCount = UInt32(clamping: record.droppedEvents)
        span.links = record.links.map { link in
            .with {
                $0.traceID = bytes(link.context.traceHigh) + bytes(link.context.traceLow)
                $0.spanID = bytes(link.context.spanID)
                $0.attributes = attributes(link.attributes)
                $0.flags = link.context.isSampled ? 1 : 0
            }
        }
        span.droppedLinksCount = UInt32(clamping: record.droppedLinks)
        if let status = record.status {
            span.status.code = status.code == .error ? .error : .ok
            span.status.message = status.message ?? ""
        }
        span.flags = record.context.isSampled ? 1 : 0
        return span
    }

    private static func bytes(_ number: UInt64) -> Data {
        withUnsafeBytes(of: number.bigEndian) { Data($0) }
    }

    private static func kind(_ kind: SpanKind) -> Opentelemetry_Proto_Trace_V1_Span.SpanKind {
        switch kind {
        case .server: .server
        case .client: .client
        case .producer: .producer
        case .consumer: .consumer
        case .internal: .internal
        }
    }

    private static func attributes(
        _ attributes: SpanAttributes
    ) -> [Opentelemetry_Proto_Common_V1_KeyValue] {
        var list: [Opentelemetry_Proto_Common_V1_KeyValue] = []
        func add(_ name: String, _ attribute: SpanAttribute) {
            list.append(
                .with {
                    $0.key = name
                    $0.value = value(attribute)
                })
        }
        attributes.forEach(add)
        return list.sorted { $0.key < $1.key }
    }

    private static func value(_ attribute: SpanAttribute) -> Opentelemetry_Proto_Common_V1_AnyValue {
        var value = Opentelemetry_Proto_Common_V1_AnyValue()
        switch attribute {
        case .int32(let number): value.intValue = Int64(number)
        case .int64(let number): value.intValue = number
        case .double(let number): value.doubleValue = number
        case .bool(let truth): value.boolValue = truth
        case .string(let text): value.stringValue = cut(text)
        case .stringConvertible(let convertible): value.stringValue = cut("\(convertible)")
        case .int32Array(let numbers): value.arrayValue.values = numbers.map { Self.value(.int32($0)) }
        case .int64Array(let numbers): value.arrayValue.values = numbers.map { Self.value(.int64($0)) }
        case .doubleArray(let numbers): value.arrayValue.values = numbers.map { Self.value(.double($0)) }
        case .boolArray(let truths): value.arrayValue.values = truths.map { Self.value(.bool($0)) }
        case .stringArray(let texts): value.arrayValue.values = texts.map { Self.value(.string($0)) }
        case .stringConvertibleArray(let items):
            value.arrayValue.values = items.map { Self.value(.stringConvertible($0)) }
        default: break
        }
        return value
    }

    /// Most characters of a text; longer ones are cut.
    static let maximumTextLength = 1_024

    private static func cut(_ text: String) -> String { String(text.prefix(maximumTextLength)) }
}
