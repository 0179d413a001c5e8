/// A client's certificate and key.
public struct ClientIdentity: Sendable, CustomStringConvertible {
    /// Leaf first, then the issuing authority, PEM.
    public let chainPEM: String
    /// The leaf's private key, PEM: a secret.
    public let keyPEM: String

    /// Makes an identity.
    public init(chainPEM: String, keyPEM: String) {
        self.chainPEM = chainPEM
        self.keyPEM = keyPEM
    }

    /// Never the key.
    public var description: String { "client identity" }
}
