import GRPCCore
import Tracing

/// Carries a trace in gRPC metadata: one entry a header, its name in lower case.
struct MetadataCarrier: Injector, Extractor {
    func inject(_ value: String, forKey key: String, into carrier: inout Metadata) {
        carrier.replaceOrAddString(value, forKey: key)
    }

    func extract(key: String, from carrier: Metadata) -> String? {
        var values = carrier[stringValues: key].makeIterator()
        guard let value = values.next() else { return nil }
        // W3C Trace Context, section 4.3: more than one traceparent is as good as none.
        return values.next() == nil ? value : nil
    }
}
