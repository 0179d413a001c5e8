import GRPCCore
public import GRPCNIOTransportHTTP2Posix
import NIOCore
public import PKI

/// How clients of ours connect.
public enum ClientTransports {
    /// A transport to one server.
    ///
    /// IP literals are dialled as addresses; whatever is dialled, `serverName` is the TLS server name and the
    /// authority. The server's certificate is checked by `verifier` alone: by its authority and its SPIFFE ID,
    /// not by its DNS name.
    ///
    /// It connects when the client runs, and again by itself with a backoff of 1 s to 120 s while the client
    /// runs; a call fails at once with UNAVAILABLE while there is no connection, unless it waits for it.
    ///
    /// - Parameters:
    ///   - endpoint: what to dial.
    ///   - serverName: the name that the server's certificate carries whatever its addresses are.
    ///   - identity: the client's certificate; nil for enrolment.
    ///   - verifier: of usage `server`; its `expectedSPIFFEID` says which server is meant.
    ///   - refusals: notes a refused server certificate; ask it where a call failed.
    ///   - silence: how long nothing may arrive on a connection, its handshake included, before it is given up;
    ///     longer than a ping and its answer take.
    ///   - windowSize: bytes that the server may send on one call before they are taken here; the library's default
    ///     where it is nil.
    /// - Throws: where the client's certificate or key cannot be used.
    public static func make(
        endpoint: NetworkEndpoint, serverName: String, identity: ClientIdentity?, verifier: PeerVerifier,
        refusals: PeerRefusals, silence: Duration = .seconds(25), windowSize: Int? = nil
    ) throws -> HTTP2ClientTransport.Posix {
        let reloader = try identity.map {
            try ReloadableCertificate(chainPEM: $0.chainPEM, keyPEM: $0.keyPEM)
        }
        return try make(
            endpoint: endpoint, serverName: serverName, reloadable: reloader, verifier: verifier,
            refusals: refusals, silence: silence, windowSize: windowSize)
    }

    /// The same, with a client certificate that may be replaced: the next connection shows the new one.
    public static func make(
        endpoint: NetworkEndpoint, serverName: String, reloadable: ReloadableCertificate?,
        verifier: PeerVerifier,
        refusals: PeerRefusals, silence: Duration = .seconds(25), windowSize: Int? = nil
    ) throws -> HTTP2ClientTransport.Posix {
        let roots = try verifier.roots.map { try $0.pemText() }
        let configure: (inout HTTP2ClientTransport.Posix.TransportSecurity.TLS) -> Void = { tls in
            tls.trustRoots = .certificates(roots.map { .bytes(Array($0.utf8), format: .pem) })
            // The SPIFFE ID is what is checked.
            tls.serverCertificateVerification = .noHostnameVerification
            tls.customVerificationCallback = TLSVerification.callback(verifier, onRefused: refusals.note)
        }
        let security: HTTP2ClientTransport.Posix.TransportSecurity =
            if let reloadable {
                try .mTLS(certificateReloader: reloadable, configure: configure)
            } else {
                .tls(configure: configure)
            }
        let config = HTTP2ClientTransport.Posix.Config.defaults { config in
            config.http2.authority = serverName
            // As servers do, see ``ServerTransports``.
            config.connection.flushCoalescing = .init(maxFlushDelay: .zero, maxBytes: 64 << 10)
            if let windowSize { config.http2.targetWindowSize = windowSize }
            // Closing may take 5 s more, for the TLS of a server that is gone has nothing to say: a dead line is
            // noticed within 27 s.
            config.connection.keepalive = HTTP2ClientTransport.Config.Keepalive(
                time: .seconds(12), timeout: .seconds(10), allowWithoutCalls: true)
            // Pings begin after the handshake, for which the transport waits for ever.
            config.channelDebuggingCallbacks.onCreateTCPConnection = { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(SilenceDeadline(silence), position: .first)
                }
            }
        }
        // No retry policy anywhere: streams resume by themselves, and unary calls are repeated by people or
        // by loops that know what they do.
        switch IPLiteral(endpoint.host) {
        case .v4:
            return try HTTP2ClientTransport.Posix(
                target: .ipv4(address: endpoint.host, port: endpoint.port), transportSecurity: security,
                config: config)
        case .v6:
            let address = endpoint.host.filter { $0 != "[" && $0 != "]" }
            return try HTTP2ClientTransport.Posix(
                target: .ipv6(address: address, port: endpoint.port), transportSecurity: security,
                config: config)
        case .none:
            return try HTTP2ClientTransport.Posix(
                target: .dns(host: endpoint.host, port: endpoint.port), transportSecurity: security,
                config: config)
        }
    }
}
