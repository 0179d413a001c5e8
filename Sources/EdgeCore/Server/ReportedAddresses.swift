public import HedgerowAPI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Which addresses a core reports to the cloud, which hands them to things and puts them into the core's
/// certificate.
///
/// Where the configuration names some, those. Else: the literal that the core listens at, or, where it listens at
/// every address, those of the machine's interfaces (no loopback, no link-local ones) and then its host name.
/// At most 32, the best first.
public struct ReportedAddresses: Hashable, Sendable {
    /// Most endpoints that a core may report.
    public static let maximumCount = 32

    /// One address that is to be reported; a port of its own where it is reached through another one.
    struct Advertised: Hashable, Sendable {
        let host: String
        let port: Int?
    }

    private let listenHost: String
    private let advertised: [Advertised]

    /// Reads the configuration.
    ///
    /// - Throws: ``InvalidAddress``.
    public init(listenHost: String, advertise: [String]) throws(InvalidAddress) {
        guard Self.isLiteral(listenHost) else {
            throw InvalidAddress(
                listenHost,
                "cannot be listened at; write an IPv4 or IPv6 address of this machine, or localhost")
        }
        self.listenHost = Self.normalized(listenHost)
        var advertised: [Advertised] = []
        for text in advertise { advertised.append(try Self.parse(text)) }
        guard advertised.count <= Self.maximumCount else {
            throw InvalidAddress(
                advertise[Self.maximumCount], "is one too many; a core reports at most \(Self.maximumCount)")
        }
        self.advertised = advertised
    }

    /// The endpoints to report now. Asks the system for its interfaces: quick, but a system call.
    ///
    /// - Parameter port: the port that the core listens at.
    public func endpoints(port: Int) -> [Hedgerow_Type_V1_Endpoint] {
        let hosts =
            advertised.isEmpty ? Self.local(listenHost).map { Advertised(host: $0, port: nil) } : advertised
        return hosts.prefix(Self.maximumCount).map { address in
            var endpoint = Hedgerow_Type_V1_Endpoint()
            endpoint.host = address.host
            endpoint.port = UInt32(clamping: address.port ?? port)
            return endpoint
        }
    }

    /// The address to bind to.
    public var bindHost: String { listenHost }

    // MARK: The machine's addresses

    private static func local(_ listenHost: String) -> [String] {
        switch listenHost {
        case "0.0.0.0": unique(interfaces(family: AF_INET) + hostName())
        case "::": unique(interfaces(family: AF_INET) + interfaces(family: AF_INET6) + hostName())
        default: [listenHost]
        }
    }

    private static func unique(_ hosts: [String]) -> [String] {
        var seen = Set<String>()
        return hosts.filter { seen.insert($0).inserted }
    }

    // <net/if.h>: the same everywhere, imported with a different type on each system.
    private static let interfaceUp: UInt32 = 0x1
    private static let interfaceLoopback: UInt32 = 0x8

    private static func interfaces(family: Int32) -> [String] {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return [] }
        defer { freeifaddrs(first) }
        var hosts: [String] = []
        var next = first
        while let entry = next?.pointee {
            next = entry.ifa_next
            let flags = UInt32(truncatingIfNeeded: entry.ifa_flags)
            guard let address = entry.ifa_addr, Int32(address.pointee.sa_family) == family,
                flags & interfaceUp != 0, flags & interfaceLoopback == 0,
                let host = text(address, family: family), !isLinkLocal(host)
            else { continue }
            hosts.append(host)
        }
        return hosts
    }

    private static func text(_ address: UnsafeMutablePointer<sockaddr>, family: Int32) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let size = socklen_t(buffer.count)
        let written: Bool
        if family == AF_INET {
            written = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
                withUnsafePointer(to: pointer.pointee.sin_addr) {
                    inet_ntop(family, $0, &buffer, size) != nil
                }
            }
        } else {
            written = address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
                withUnsafePointer(to: pointer.pointee.sin6_addr) {
                    inet_ntop(family, $0, &buffer, size) != nil
                }
            }
        }
        guard written else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Such an address says nothing without the interface that it is valid on.
    private static func isLinkLocal(_ host: String) -> Bool {
        let lower = host.lowercased()
        return lower.hasPrefix("169.254.")
            || ["fe8", "fe9", "fea", "feb"].contains { lower.hasPrefix($0) && lower.contains(":") }
    }

    private static func hostName() -> [String] {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return [] }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return name.isEmpty || name == "localhost" ? [] : [name]
    }

    // MARK: Reading

    static func parse(_ text: String) throws(InvalidAddress) -> Advertised {
        let problem = "cannot be reported; write HOST, HOST:PORT or [IPV6]:PORT"
        guard !text.isEmpty, !text.contains(where: \.isWhitespace) else {
            throw InvalidAddress(text, problem)
        }
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw InvalidAddress(text, problem) }
            let host = String(text[text.index(after: text.startIndex)..<end])
            guard isIPv6(host) else { throw InvalidAddress(text, problem) }
            return Advertised(host: host, port: try port(text[text.index(after: end)...], of: text))
        }
        if isIPv6(text) { return Advertised(host: text, port: nil) }
        guard let colon = text.firstIndex(of: ":") else { return Advertised(host: text, port: nil) }
        let host = String(text[..<colon])
        guard !host.isEmpty else { throw InvalidAddress(text, problem) }
        return Advertised(host: host, port: try port(text[colon...], of: text))
    }

    private static func port(_ suffix: Substring, of text: String) throws(InvalidAddress) -> Int? {
        if suffix.isEmpty { return nil }
        guard suffix.first == ":", let port = Int(suffix.dropFirst()), (1...65_535).contains(port) else {
            throw InvalidAddress(text, "has no port that can be used; write 1 to 65535 after the colon")
        }
        return port
    }

    private static func normalized(_ host: String) -> String { host == "localhost" ? "127.0.0.1" : host }

    private static func isLiteral(_ host: String) -> Bool {
        host == "localhost" || isIPv6(host) || isIPv4(host)
    }

    private static func isIPv4(_ host: String) -> Bool {
        var address = in_addr()
        return inet_pton(AF_INET, host, &address) == 1
    }

    private static func isIPv6(_ host: String) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET6, host, &address) == 1
    }
}
