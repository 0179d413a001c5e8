import GRPCNIOTransportHTTP2Posix
import NIOCore
import NIOSSL
import PKI
import SwiftASN1
import X509

/// The check of a peer's certificates, in the shape that the TLS library calls.
enum TLSVerification {
    typealias Callback =
        @Sendable ([NIOSSLCertificate], EventLoopPromise<NIOSSLVerificationResultWithMetadata>) -> Void

    /// Replaces every check of the TLS library; see `PeerVerifier`.
    static func callback(
        _ verifier: PeerVerifier, onRefused: @escaping @Sendable (PeerRefusal) -> Void
    ) -> Callback {
        { certificates, promise in
            promise.completeWithTask {
                let chain: [Certificate]
                do {
                    // One more than is accepted, so that the verifier sees that there are too many.
                    chain = try certificates.prefix(PeerVerifier.maximumChainLength + 1).map {
                        try Certificate(derEncoded: $0.toDERBytes())
                    }
                } catch {
                    onRefused(.malformed("a certificate cannot be read"))
                    return .failed
                }
                switch await verifier.verify(chain: chain) {
                case .success:
                    // Without metadata the transport keeps the leaf alone, and parses one certificate a call
                    // instead of the whole chain.
                    return .certificateVerified(VerificationMetadata(nil))
                case .failure(let refusal):
                    onRefused(refusal)
                    return .failed
                }
            }
        }
    }
}
