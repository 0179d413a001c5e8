import Crypto
import SwiftASN1
import X509
import _CryptoExtras

/// A certificate signing request of somebody else, checked: it has an acceptable key, and whoever sent it holds
/// that key.
///
/// Names and attributes in it are ignored, unknown ones included: who a certificate is for is never up to
/// the request.
public struct SigningRequest: Sendable {
    /// Most bytes that a request may have: 16 KiB.
    public static let maximumSize = 16 * 1024

    let publicKey: Certificate.PublicKey

    /// SHA-256 of the key's SubjectPublicKeyInfo (DER), lower-case hexadecimal; what an enrolment token binds to.
    public let publicKeyFingerprint: String

    /// Reads and checks a request (PKCS #10, DER).
    ///
    /// - Throws: ``PKIError`` of kind `badSigningRequest`: too large, not DER, a signature that does not fit
    ///   the key, or a key other than P-256, P-384, Ed25519 and RSA of at least 2,048 bits.
    public init(der: [UInt8]) throws(PKIError) {
        guard der.count <= Self.maximumSize else {
            throw PKIError(
                .badSigningRequest,
                "the signing request has \(der.count) bytes; at most \(Self.maximumSize) are read")
        }
        let request: CertificateSigningRequest
        do {
            request = try CertificateSigningRequest(derEncoded: der)
        } catch {
            throw PKIError(.badSigningRequest, "the signing request is no PKCS #10 request in DER")
        }
        guard Self.isAcceptable(request.publicKey) else {
            throw PKIError(
                .badSigningRequest,
                "the signing request's key is \(request.publicKey); P-256, P-384, Ed25519 and RSA of at least "
                    + "2048 bits are accepted")
        }
        guard request.publicKey.isValidSignature(request.signature, for: request) else {
            throw PKIError(
                .badSigningRequest, "the signing request is not signed with the key that it is for")
        }
        do {
            publicKeyFingerprint = try request.publicKey.fingerprint()
        } catch {
            throw PKIError(.badSigningRequest, "the signing request's key cannot be encoded")
        }
        publicKey = request.publicKey
    }

    private static func isAcceptable(_ key: Certificate.PublicKey) -> Bool {
        if P256.Signing.PublicKey(key) != nil || P384.Signing.PublicKey(key) != nil { return true }
        if Curve25519.Signing.PublicKey(key) != nil { return true }
        if let rsa = _RSA.Signing.PublicKey(key) { return rsa.keySizeInBits >= 2048 }
        return false
    }
}
