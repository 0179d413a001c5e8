import NIOCertificateReloading
import NIOSSL

/// The TLS of a listener: TLS 1.2 and 1.3, and only suites with forward secrecy and authenticated encryption.
///
/// gRPC's transport lets nobody choose the suites and takes those of TLS 1.2 with CBC too, which HTTP/2 prohibits (RFC
/// 9113, appendix A). So ``ConnectionGate`` puts the handler that is made here in the place of the transport's.
struct ListenerTLS: Sendable {
    /// The suites of TLS 1.2, for the keys that our certificates have. Those of TLS 1.3 cannot be chosen; each of them is
    /// of this kind.
    static let cipherSuites: [NIOTLSCipher] = [
        .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ]

    private let context: NIOSSLContext
    private let verification: TLSVerification.Callback?

    /// Makes it.
    ///
    /// - Parameters:
    ///   - identity: the server's certificate; what is current at each handshake is used.
    ///   - roots: authorities named to clients as a hint; in PEM.
    ///   - verification: checks the client's certificate, which is demanded then; nil asks for none.
    /// - Throws: where the certificate or a root cannot be used.
    init(
        identity: ReloadableCertificate, roots: [String] = [], verification: TLSVerification.Callback? = nil
    ) throws {
        var configuration = try TLSConfiguration.makeServerConfiguration(certificateReloader: identity)
        configuration.minimumTLSVersion = .tlsv12
        configuration.cipherSuiteValues = Self.cipherSuites
        configuration.applicationProtocols = ["h2"]
        configuration.renegotiationSupport = .none
        if verification != nil {
            configuration.certificateVerification = .noHostnameVerification
            configuration.trustRoots = .certificates(
                try roots.flatMap { try NIOSSLCertificate.fromPEMBytes(Array($0.utf8)) })
        }
        context = try NIOSSLContext(configuration: configuration)
        self.verification = verification
    }

    /// The handler of one connection.
    func handler() -> NIOSSLServerHandler {
        guard let verification else { return NIOSSLServerHandler(context: context) }
        return NIOSSLServerHandler(context: context, customVerificationCallbackWithMetadata: verification)
    }
}
