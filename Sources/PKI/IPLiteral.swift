#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// IP addresses written as text.
///
/// They are dialled as addresses, never as DNS names: an IP literal is not allowed in SNI (RFC 6066, section 3).
public enum IPLiteral: Hashable, Sendable {
    /// Four bytes in network order.
    case v4([UInt8])
    /// Sixteen bytes in network order.
    case v6([UInt8])

    /// Reads `192.0.2.1` or `2001:db8::1` (also in brackets); nil for anything else, DNS names and zone
    /// indices included.
    public init?(_ text: String) {
        var host = text[...]
        if host.first == "[", host.last == "]" { host = host.dropFirst().dropLast() }
        let name = String(host)
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET6, name, &bytes) == 1 {
            self = .v6(bytes)
        } else if host.count == text.count, inet_pton(AF_INET, name, &bytes) == 1 {
            self = .v4(Array(bytes.prefix(4)))
        } else {
            return nil
        }
    }

    /// The bytes in network order, as an `iPAddress` SAN has them.
    public var bytes: [UInt8] {
        switch self {
        case .v4(let bytes), .v6(let bytes): bytes
        }
    }
}
