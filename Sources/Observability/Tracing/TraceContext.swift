public import Tracing

/// Which trace a span belongs to, and which span it is: what the W3C header `traceparent` says.
///
/// Rules of W3C Trace Context, level 1, section 3.2 (https://www.w3.org/TR/trace-context-1/#traceparent-header).
public struct TraceContext: Hashable, Sendable {
    /// Bytes of a `traceparent` of version 00.
    public static let traceparentLength = 55

    /// The trace's 16 bytes, the first eight.
    public let traceHigh: UInt64
    /// The trace's 16 bytes, the last eight.
    public let traceLow: UInt64
    /// The span's 8 bytes; never 0.
    public let spanID: UInt64
    /// Whether the trace is recorded.
    public let isSampled: Bool

    /// Makes a context.
    public init(traceHigh: UInt64, traceLow: UInt64, spanID: UInt64, isSampled: Bool) {
        self.traceHigh = traceHigh
        self.traceLow = traceLow
        self.spanID = spanID
        self.isSampled = isSampled
    }

    /// Reads a `traceparent`; nil where it is not one. Versions after 00 are read as far as 00 goes, as the rules say.
    public init?(traceparent: String) {
        let bytes = Array(traceparent.utf8)
        guard bytes.count >= Self.traceparentLength, bytes[2] == Self.dash, bytes[35] == Self.dash,
            bytes[52] == Self.dash,
            let version = Self.hexadecimal(bytes[0..<2]), version != 0xFF,
            let high = Self.hexadecimal(bytes[3..<19]), let low = Self.hexadecimal(bytes[19..<35]),
            let span = Self.hexadecimal(bytes[36..<52]), let flags = Self.hexadecimal(bytes[53..<55]),
            high != 0 || low != 0, span != 0
        else { return nil }
        if bytes.count > Self.traceparentLength {
            guard version > 0, bytes[Self.traceparentLength] == Self.dash else { return nil }
        }
        self.init(traceHigh: high, traceLow: low, spanID: span, isSampled: flags & 1 == 1)
    }

    /// The context as a `traceparent` of version 00.
    public var traceparent: String { "00-\(traceID)-\(spanIDText)-\(isSampled ? "01" : "00")" }

    /// The trace's identity, 32 lower-case hexadecimal digits.
    public var traceID: String { Self.text(traceHigh) + Self.text(traceLow) }

    /// The span's identity, 16 lower-case hexadecimal digits.
    public var spanIDText: String { Self.text(spanID) }

    private static let dash = UInt8(ascii: "-")

    private static func text(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Lower case only: the rules forbid other letters.
    private static func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var result: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): result = result << 4 | UInt64(digit & 0x0F)
            case UInt8(ascii: "a")...UInt8(ascii: "f"): result = result << 4 | UInt64(digit - 87)
            default: return nil
            }
        }
        return result
    }
}

extension InstrumentationContext {
    private enum TraceContextKey: InstrumentationContextKey {
        typealias Value = TraceContext
        static var nameOverride: String? { "hedgerow.trace" }
    }

    /// The span that what happens now belongs to.
    public var traceContext: TraceContext? {
        get { self[TraceContextKey.self] }
        set { self[TraceContextKey.self] = newValue }
    }
}
