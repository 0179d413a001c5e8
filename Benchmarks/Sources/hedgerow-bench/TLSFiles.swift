import ArgumentParser
import Foundation
import GRPCNIOTransportHTTP2Posix

/// A certificate chain, its key, and the authorities that the other side is checked against, as PEM files.
struct TLSFiles: Sendable {
    let chain: [UInt8]
    let key: [UInt8]
    let roots: [UInt8]

    /// Reads `chain.pem`, `key.pem` and, unless other roots are named, `root.pem` of a directory.
    init(directory: String, roots: String? = nil) throws {
        chain = try Self.read(directory + "/chain.pem")
        key = try Self.read(directory + "/key.pem")
        self.roots = try Self.read(roots ?? directory + "/root.pem")
    }

    private static func read(_ path: String) throws -> [UInt8] {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw ValidationError("\(path) cannot be read; it has to be a PEM file.")
        }
        return Array(bytes)
    }

    /// A bare server's side: client certificates demanded, grpc-swift's own verification.
    var server: HTTP2ServerTransport.Posix.TransportSecurity {
        .mTLS(
            certificateChain: [.bytes(chain, format: .pem)], privateKey: .bytes(key, format: .pem)
        ) { [roots] tls in
            tls.trustRoots = .certificates([.bytes(roots, format: .pem)])
            tls.clientCertificateVerification = .noHostnameVerification
            tls.requireALPN = true
        }
    }

    /// A client's side, as a client in any language has it; servers are dialled by address.
    var client: HTTP2ClientTransport.Posix.TransportSecurity {
        .mTLS(
            certificateChain: [.bytes(chain, format: .pem)], privateKey: .bytes(key, format: .pem)
        ) { [roots] tls in
            tls.trustRoots = .certificates([.bytes(roots, format: .pem)])
            tls.serverCertificateVerification = .noHostnameVerification
        }
    }
}
