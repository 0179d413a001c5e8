import NIOSSL
import PKI
import SwiftASN1
import X509

extension NIOSSLCertificate {
    /// The identity that it names; nil where it names none.
    var spiffeID: String? {
        (try? Certificate(derEncoded: toDERBytes()))?.spiffeID
    }
}
