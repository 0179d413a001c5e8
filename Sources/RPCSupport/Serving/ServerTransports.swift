public import GRPCNIOTransportHTTP2Posix
public import PKI

/// How servers of ours listen.
public enum ServerTransports {
    /// Largest message that a server reads: 4 MiB (semantics, section 8).
    public static let maximumMessageSize = 4 * 1024 * 1024
    /// Calls that one connection may have at once.
    public static let maximumConcurrentStreams = 256
    /// How long open calls may go on after shutdown began.
    public static let shutdownGrace: Duration = .seconds(10)

    /// A listener that demands a client certificate and checks it with `verifier` alone.
    ///
    /// - Parameters:
    ///   - host: address to listen on; an IP literal.
    ///   - port: port to listen on; 0 for any (ask the server's `listeningAddress`).
    ///   - identity: the server's certificate; what is current at each handshake is used.
    ///   - verifier: of usage `client`.
    ///   - refusals: notes and logs each refused certificate.
    ///   - limits: of connections.
    /// - Throws: ``InvalidListenAddress``.
    public static func mutualTLS(
        host: String, port: Int, identity: ReloadableCertificate, verifier: PeerVerifier,
        refusals: PeerRefusals,
        limits: ConnectionLimits = ConnectionLimits()
    ) throws -> HTTP2ServerTransport.Posix {
        let roots = try verifier.roots.map { try $0.pemText() }
        let verification = TLSVerification.callback(verifier, onRefused: refusals.note)
        let security = try HTTP2ServerTransport.Posix.TransportSecurity.mTLS(certificateReloader: identity) {
            tls in
            // Only a hint to clients about which certificate to send; the callback decides.
            tls.trustRoots = .certificates(roots.map { .bytes(Array($0.utf8), format: .pem) })
            tls.clientCertificateVerification = .noHostnameVerification
            tls.requireALPN = true
            tls.customVerificationCallback = verification
        }
        let own = try ListenerTLS(identity: identity, roots: roots, verification: verification)
        return HTTP2ServerTransport.Posix(
            address: try address(host, port), transportSecurity: security, config: config(limits, own))
    }

    /// A listener that asks for no client certificate: for enrolment only. Few connections, and short ones.
    ///
    /// - Throws: ``InvalidListenAddress``.
    public static func serverTLS(
        host: String, port: Int, identity: ReloadableCertificate,
        limits: ConnectionLimits = ConnectionLimits(maximum: 256, idle: .seconds(60))
    ) throws -> HTTP2ServerTransport.Posix {
        let security = try HTTP2ServerTransport.Posix.TransportSecurity.tls(certificateReloader: identity) {
            tls in
            tls.trustRoots = .certificates([])
            tls.requireALPN = true
        }
        return HTTP2ServerTransport.Posix(
            address: try address(host, port), transportSecurity: security,
            config: config(limits, try ListenerTLS(identity: identity)))
    }

    private static func config(
        _ limits: ConnectionLimits, _ tls: ListenerTLS
    ) -> HTTP2ServerTransport.Posix.Config {
        let gate = ConnectionGate(limits, tls: tls)
        return .defaults { config in
            config.channelDebuggingCallbacks.onBindTCPListener = gate.listen
            config.channelDebuggingCallbacks.onAcceptTCPConnection = gate.admit
            config.connection.maxIdleTime = limits.idle
            config.http2.targetWindowSize = 512 * 1024
            // What is written in one turn of the event loop goes out together; the library would wait 0.1 ms for more,
            // which makes 0.15 of what a lone reading takes to its acknowledgement.
            config.connection.flushCoalescing = .init(maxFlushDelay: .zero, maxBytes: 64 << 10)
            config.http2.maxConcurrentStreams = maximumConcurrentStreams
            config.rpc.maxRequestPayloadSize = maximumMessageSize
            config.connection.maxGraceTime = shutdownGrace
            // A peer that is silent for 15 s is asked whether it is there; ``SilenceDeadline`` closes after 25 s.
            // Clients ping too, and pings up to one every 5 s are no offence (lesson 29).
            config.connection.keepalive.time = .seconds(15)
            config.connection.keepalive.timeout = .seconds(10)
            config.connection.keepalive.clientBehavior.minPingIntervalWithoutCalls = .seconds(5)
            config.connection.keepalive.clientBehavior.allowWithoutCalls = true
        }
    }

    private static func address(_ host: String, _ port: Int) throws -> SocketAddress {
        guard (0...65_535).contains(port) else { throw InvalidListenAddress(host: host, port: port) }
        switch IPLiteral(host) {
        case .v4: return .ipv4(host: host, port: port)
        case .v6: return .ipv6(host: host.filter { $0 != "[" && $0 != "]" }, port: port)
        case nil: throw InvalidListenAddress(host: host, port: port)
        }
    }
}

/// An address that nothing can listen on.
public struct InvalidListenAddress: Error, Hashable, Sendable, CustomStringConvertible {
    /// The host as given.
    public let host: String
    /// The port as given.
    public let port: Int

    /// One sentence with what is allowed.
    public var description: String {
        "cannot listen on \"\(host)\" port \(port); give an IP address (0.0.0.0 or :: for all) and a port from 0 to 65535"
    }
}
