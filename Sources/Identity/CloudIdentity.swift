/// Who the cloud itself is, to those who connect to it.
public enum CloudIdentity {
    /// The DNS name that the cloud's server certificates always carry; clients use it as TLS server name and
    /// HTTP/2 authority, whatever address they dial.
    public static let serverName = "cloud.hedgerow.internal"

    /// The SPIFFE ID in the cloud's server certificates.
    public static func spiffeID(trustDomain: String) -> String { "spiffe://\(trustDomain)/cloud" }
}
