import Crypto
import SwiftASN1
public import X509

/// The private key of an identity or of an authority. Never leaves the machine it was made on.
///
/// Ours are P-256; keys of other kinds that an operator brings along are read, too. It prints nothing of
/// itself but the fingerprint of its public half.
public struct PrivateKey: Sendable, CustomStringConvertible {
    let key: Certificate.PrivateKey

    /// The key as PKCS #8 PEM: a secret.
    public let pem: String

    /// SHA-256 of the public key's SubjectPublicKeyInfo (DER), lower-case hexadecimal.
    public let publicKeyFingerprint: String

    /// Makes a new P-256 key from the system's randomness.
    public static func generate() -> PrivateKey {
        let key = P256.Signing.PrivateKey()
        return PrivateKey(
            key: Certificate.PrivateKey(key), pem: key.pemRepresentation,
            publicKeyFingerprint: SHA256.hash(data: key.publicKey.derRepresentation).hexadecimal)
    }

    /// Reads a key from PEM (PKCS #8, SEC 1 or PKCS #1).
    ///
    /// - Throws: ``PKIError`` of kind `badPEM`.
    public init(pem: String) throws(PKIError) {
        do {
            let key = try Certificate.PrivateKey(pemEncoded: pem)
            self.init(key: key, pem: pem, publicKeyFingerprint: try key.publicKey.fingerprint())
        } catch {
            // The reason is not passed on: it could quote the key.
            throw PKIError(.badPEM, "this is no private key in PEM that can be read")
        }
    }

    private init(key: Certificate.PrivateKey, pem: String, publicKeyFingerprint: String) {
        self.key = key
        self.pem = pem
        self.publicKeyFingerprint = publicKeyFingerprint
    }

    /// A certificate signing request (PKCS #10, DER) for this key.
    ///
    /// - Parameter commonName: for people who look at the request; whoever signs it ignores it.
    /// - Throws: ``PKIError`` of kind `badSigningRequest` where the key cannot sign.
    public func signingRequest(commonName: String) throws(PKIError) -> [UInt8] {
        do {
            let request = try CertificateSigningRequest(
                version: .v1,
                subject: try DistinguishedName { CommonName(String(commonName.prefix(64))) },
                privateKey: key,
                attributes: CertificateSigningRequest.Attributes(),
                signatureAlgorithm: key.defaultAlgorithm)
            var serializer = DER.Serializer()
            try serializer.serialize(request)
            return serializer.serializedBytes
        } catch {
            throw PKIError(.badSigningRequest, "no signing request could be made with this key: \(error)")
        }
    }

    /// The fingerprint of the public half; never the key.
    public var description: String { "key \(publicKeyFingerprint)" }
}

extension Certificate.PrivateKey {
    /// The algorithm that we sign with; SHA-256 wherever the key leaves a choice.
    var defaultAlgorithm: Certificate.SignatureAlgorithm {
        let supported = supportedSignatureAlgorithms
        for algorithm: Certificate.SignatureAlgorithm in [
            .ecdsaWithSHA256, .ed25519, .sha256WithRSAEncryption,
        ]
        where supported.contains(algorithm) {
            return algorithm
        }
        return supported.first ?? .ecdsaWithSHA256
    }
}

extension Certificate.PublicKey {
    /// SHA-256 of the SubjectPublicKeyInfo, lower-case hexadecimal.
    func fingerprint() throws -> String {
        SHA256.hash(data: try serializeAsPEM().derBytes).hexadecimal
    }
}

extension Sequence where Element == UInt8 {
    /// Lower-case hexadecimal, two digits a byte.
    var hexadecimal: String {
        var text = ""
        for byte in self {
            if byte < 16 { text.append("0") }
            text += String(byte, radix: 16)
        }
        return text
    }
}

extension PrivateKey {
    /// Whether this is the key that a certificate is for.
    public func belongs(to certificate: Certificate) -> Bool { certificate.publicKey == key.publicKey }
}
