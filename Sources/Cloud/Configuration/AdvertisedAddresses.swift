import PKI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Under which addresses others reach the cloud.
struct AdvertisedAddresses: Hashable, Sendable {
    /// An address whose port may still be the listener's own.
    struct Address: Hashable, Sendable {
        var host: String
        var port: Int?
    }

    /// Of the mutually authenticated listener, the best first.
    var cloud: [Address]
    /// Of the enrolment listener, the best first.
    var enrollment: [Address]

    /// Works out the addresses. Blocks briefly (reads the host's name and interfaces).
    ///
    /// - Throws: ``CloudStartError/badSetting(name:reason:)`` for an address that is none.
    init(_ configuration: CloudConfiguration) throws(CloudStartError) {
        cloud = []
        enrollment = []
        for text in configuration.advertisedAddresses {
            cloud.append(try Self.parse(text, setting: "advertise"))
        }
        for text in configuration.advertisedEnrollmentAddresses {
            enrollment.append(try Self.parse(text, setting: "enrollment.advertise"))
        }
        let explicit = cloud
        if cloud.isEmpty { cloud = Self.hosts(listening: configuration.listener.address) }
        if enrollment.isEmpty {
            enrollment =
                explicit.isEmpty
                ? Self.hosts(listening: configuration.enrollmentListener.address)
                : explicit.map { Address(host: $0.host, port: nil) }
        }
    }

    /// Every host once: what the server certificate names.
    var hosts: [String] {
        var seen: Set<String> = []
        return (cloud + enrollment).map(\.host).filter { seen.insert($0).inserted }
    }

    /// The addresses with the ports that are listened on.
    func endpoints(cloudPort: Int, enrollmentPort: Int) -> (
        cloud: [NetworkEndpoint], enrollment: [NetworkEndpoint]
    ) {
        (
            cloud.map { NetworkEndpoint(host: $0.host, port: $0.port ?? cloudPort) },
            enrollment.map { NetworkEndpoint(host: $0.host, port: $0.port ?? enrollmentPort) }
        )
    }

    private static func parse(_ text: String, setting: String) throws(CloudStartError) -> Address {
        if IPLiteral(text) != nil {
            return Address(host: text.first == "[" ? String(text.dropFirst().dropLast()) : text, port: nil)
        }
        if ServerNames.isDNSName(text) { return Address(host: text, port: nil) }
        if let endpoint = NetworkEndpoint(text),
            IPLiteral(endpoint.host) != nil || ServerNames.isDNSName(endpoint.host)
        {
            return Address(host: endpoint.host, port: endpoint.port)
        }
        throw .badSetting(name: setting, reason: "\"\(text)\" is neither HOST nor HOST:PORT")
    }

    /// The listener's own address, or for a wildcard this host's name and addresses.
    private static func hosts(listening host: String) -> [Address] {
        guard ["0.0.0.0", "::", "[::]"].contains(host) else { return [Address(host: host, port: nil)] }
        var hosts: [String] = []
        if let name = hostName(), name != "localhost", ServerNames.isDNSName(name) { hosts.append(name) }
        hosts += interfaceAddresses(v6: host != "0.0.0.0")
        hosts += ["localhost", "127.0.0.1"]
        return hosts.prefix(32).map { Address(host: $0, port: nil) }
    }

    private static func hostName() -> String? {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return nil }
        return text(buffer)
    }

    /// Addresses of the interfaces that are up, without loopback and link-local ones.
    private static func interfaceAddresses(v6: Bool) -> [String] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var addresses: [String] = []
        var next = list
        while let interface = next {
            next = interface.pointee.ifa_next
            guard let address = interface.pointee.ifa_addr else { continue }
            let family = Int32(address.pointee.sa_family)
            guard family == AF_INET || (v6 && family == AF_INET6) else { continue }
            let size = family == AF_INET ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
            var buffer = [CChar](repeating: 0, count: 128)
            guard
                getnameinfo(
                    address, socklen_t(size), &buffer, socklen_t(buffer.count), nil, 0, NI_NUMERICHOST) == 0
            else { continue }
            let host = text(buffer)
            let isLocal = host.hasPrefix("127.") || host == "::1" || host.hasPrefix("fe80:")
            if !isLocal, IPLiteral(host) != nil, !addresses.contains(host) { addresses.append(host) }
        }
        return addresses
    }

    /// What stands before the first null byte.
    private static func text(_ buffer: [CChar]) -> String {
        String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
