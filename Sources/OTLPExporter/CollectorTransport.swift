import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Observability

/// How the collector is reached.
enum CollectorTransport {
    /// Makes a transport; TLS as the settings say, with the names of the system's trust store where they name no file.
    ///
    /// - Throws: where a certificate or key cannot be used.
    static func make(_ settings: TracingSettings) throws -> HTTP2ClientTransport.Posix {
        let endpoint = settings.endpoint
        let config = HTTP2ClientTransport.Posix.Config.defaults { config in
            config.http2.authority = endpoint.host
            if settings.compresses { config.compression.enabledAlgorithms = [.gzip] }
        }
        let target: any ResolvableTarget =
            if endpoint.host.contains(":") {
                .ipv6(address: endpoint.host, port: endpoint.port)
            } else if endpoint.host.allSatisfy({ $0.isNumber || $0 == "." }) {
                .ipv4(address: endpoint.host, port: endpoint.port)
            } else {
                .dns(host: endpoint.host, port: endpoint.port)
            }
        return try HTTP2ClientTransport.Posix(
            target: target, transportSecurity: security(settings), config: config)
    }

    private static func security(
        _ settings: TracingSettings
    ) throws -> HTTP2ClientTransport.Posix.TransportSecurity {
        guard settings.endpoint.isSecure else { return .plaintext }
        let configure: (inout HTTP2ClientTransport.Posix.TransportSecurity.TLS) -> Void = { tls in
            if let path = settings.certificatePath {
                tls.trustRoots = .certificates([.file(path: path, format: .pem)])
            }
        }
        guard let certificate = settings.clientCertificatePath, let key = settings.clientKeyPath else {
            return .tls(configure: configure)
        }
        return .mTLS(
            certificateChain: [.file(path: certificate, format: .pem)],
            privateKey: .file(path: key, format: .pem), configure: configure)
    }
}
