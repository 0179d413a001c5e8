public import FoundationEssentials
public import NIOCertificateReloading
public import NIOSSL
import PKI
import Synchronization
import X509

/// A server's (or client's) certificate and key that can be replaced while connections are open.
///
/// Every TLS handshake takes what is current; open connections keep what they began with, so nothing drops.
public final class ReloadableCertificate: CertificateReloader {
    private struct State {
        var override: NIOSSLContextConfigurationOverride
        var leaf: Certificate
    }

    private let state: Mutex<State>

    /// Makes it with a first certificate.
    ///
    /// - Parameters:
    ///   - chainPEM: leaf first, then the authorities that are sent along.
    ///   - keyPEM: the leaf's private key.
    /// - Throws: `PKIError` where one of them cannot be read or they do not belong together.
    public init(chainPEM: String, keyPEM: String) throws {
        state = Mutex(try Self.load(chainPEM, keyPEM))
    }

    /// Replaces both at once. Where it throws, nothing has changed.
    ///
    /// - Throws: `PKIError` where one of them cannot be read or they do not belong together.
    public func replace(chainPEM: String, keyPEM: String) throws {
        let new = try Self.load(chainPEM, keyPEM)
        state.withLock { $0 = new }
    }

    /// What the next handshake uses.
    public var sslContextConfigurationOverride: NIOSSLContextConfigurationOverride {
        state.withLock { $0.override }
    }

    /// Serial number of the current leaf, lower-case hexadecimal.
    public var serialNumber: String { state.withLock { $0.leaf }.serialNumberText }

    /// When the current leaf begins to be valid.
    public var notBefore: Date { state.withLock { $0.leaf }.notValidBefore }

    /// When the current leaf expires.
    public var notAfter: Date { state.withLock { $0.leaf }.notValidAfter }

    private static func load(_ chainPEM: String, _ keyPEM: String) throws -> State {
        let chain = try Certificates.parse(pem: chainPEM)
        let key = try PrivateKey(pem: keyPEM)
        guard let leaf = chain.first, key.belongs(to: leaf) else {
            throw CertificateMismatch()
        }
        var override = NIOSSLContextConfigurationOverride()
        override.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(chainPEM.utf8)).map {
            .certificate($0)
        }
        override.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(keyPEM.utf8), format: .pem))
        return State(override: override, leaf: leaf)
    }
}

/// A key and a certificate that do not belong together.
struct CertificateMismatch: Error, CustomStringConvertible {
    let description = "the private key does not belong to the first certificate of the chain"
}
