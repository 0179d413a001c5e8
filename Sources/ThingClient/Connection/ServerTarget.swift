import Identity
import PKI

/// One address of one server that takes the thing's messages: a core, or the cloud itself.
struct ServerTarget: Hashable, Sendable {
    /// Name of the core, ``cloudName`` for the cloud.
    var core: String
    /// Where it listens.
    var endpoint: NetworkEndpoint
    /// TLS server name, the same whatever the address is.
    var serverName: String
    /// SPIFFE ID that its certificate must carry.
    var spiffeID: String
    /// CA certificates that may have signed it, PEM.
    var roots: [String]

    /// What the cloud is called where a core's name stands otherwise.
    static let cloudName = "cloud"

    /// The cloud at one of its addresses.
    static func cloud(
        at endpoint: NetworkEndpoint, serverName: String, trustDomain: String, root: String
    ) -> ServerTarget {
        ServerTarget(
            core: cloudName, endpoint: endpoint, serverName: serverName,
            spiffeID: CloudIdentity.spiffeID(trustDomain: trustDomain), roots: [root])
    }
}
