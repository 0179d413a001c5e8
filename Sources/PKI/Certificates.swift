import Crypto
public import FoundationEssentials
import SwiftASN1
public import X509

/// Reading and writing certificates as PEM.
public enum Certificates {
    /// Most certificates that are read from one text.
    public static let maximumCount = 64

    /// Reads every certificate of a PEM text, in its order.
    ///
    /// - Throws: ``PKIError`` of kind `badPEM` where there is none, one cannot be read, or there are more than
    ///   ``maximumCount``.
    public static func parse(pem: String) throws(PKIError) -> [Certificate] {
        let certificates: [Certificate]
        do {
            let documents = try PEMDocument.parseMultiple(pemString: pem)
            guard documents.count <= maximumCount else {
                throw PKIError(.badPEM, "more than \(maximumCount) certificates in one PEM text")
            }
            certificates = try documents.map { try Certificate(pemDocument: $0) }
        } catch let error as PKIError {
            throw error
        } catch {
            throw PKIError(.badPEM, "this is no certificate in PEM that can be read: \(error)")
        }
        guard !certificates.isEmpty else {
            throw PKIError(.badPEM, "there is no certificate in this PEM text")
        }
        return certificates
    }
}

extension Certificate {
    /// The certificate as PEM, with a newline at its end.
    ///
    /// - Throws: ``PKIError`` of kind `badPEM` where it cannot be encoded.
    public func pemText() throws(PKIError) -> String {
        do {
            return try serializeAsPEM().pemString + "\n"
        } catch {
            throw PKIError(.badPEM, "the certificate cannot be encoded: \(error)")
        }
    }

    /// The serial number as lower-case hexadecimal, without leading zero bytes; what revocation lists name.
    public var serialNumberText: String {
        serialNumber.bytes.drop { $0 == 0 }.hexadecimal
    }

    /// SHA-256 of the whole certificate (DER), lower-case hexadecimal.
    ///
    /// - Throws: ``PKIError`` of kind `badPEM` where it cannot be encoded.
    public func sha256Fingerprint() throws(PKIError) -> String {
        do {
            return SHA256.hash(data: try serializeAsPEM().derBytes).hexadecimal
        } catch {
            throw PKIError(.badPEM, "the certificate cannot be encoded: \(error)")
        }
    }

    /// When to renew it at the latest: two thirds of its validity.
    public var renewTime: Date {
        notValidBefore.addingTimeInterval(notValidAfter.timeIntervalSince(notValidBefore) * 2 / 3)
    }

    /// The one SPIFFE ID that the certificate carries; nil where it has none, or more than one URI
    /// (https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md, section 2).
    public var spiffeID: String? {
        guard let names = try? extensions.subjectAlternativeNames else { return nil }
        var uris: [String] = []
        for case .uniformResourceIdentifier(let uri) in names { uris.append(uri) }
        guard uris.count == 1, let uri = uris.first, uri.hasPrefix("spiffe://") else { return nil }
        return uri
    }
}
