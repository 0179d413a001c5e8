import GRPCCore
import HedgerowAPI
public import PKI

/// Asks one server of ours whether it serves, over a connection that is made for the question: TCP, TLS, and one call
/// of `grpc.health.v1`.
public struct HealthProbe: Sendable {
    private let endpoint: NetworkEndpoint
    private let serverName: String
    private let identity: ClientIdentity?
    private let verifier: PeerVerifier

    /// Makes a probe; nothing is connected yet.
    ///
    /// - Parameters:
    ///   - endpoint: what to dial.
    ///   - serverName: the name that the server's certificate carries.
    ///   - identity: as whom; nil where the listener asks for nobody.
    ///   - verifier: of usage `server`; says which server is meant.
    public init(
        endpoint: NetworkEndpoint, serverName: String, identity: ClientIdentity?, verifier: PeerVerifier
    ) {
        self.endpoint = endpoint
        self.serverName = serverName
        self.identity = identity
        self.verifier = verifier
    }

    /// Asks.
    ///
    /// - Parameter timeout: how long the whole may take.
    /// - Returns: whether the server says that it serves.
    /// - Throws: ``CallerError``; of kind `timedOut` where nothing answered in time.
    public func ask(within timeout: Duration) async throws(CallerError) -> Bool {
        let refusals = PeerRefusals(side: "health probe", logger: nil)
        do {
            let transport = try ClientTransports.make(
                endpoint: endpoint, serverName: serverName, identity: identity, verifier: verifier,
                refusals: refusals)
            let response = try await withGRPCClient(transport: transport) { client in
                var options = CallOptions.defaults
                options.timeout = timeout
                return try await Grpc_Health_V1_Health.Client(wrapping: client).check(
                    Grpc_Health_V1_HealthCheckRequest(), options: options)
            }
            return response.status == .serving
        } catch {
            throw CallerError(error, endpoint: endpoint, refusal: refusals.last)
        }
    }

    /// The address to reach a listener of this machine at that listens on `host`.
    public static func loopback(host: String, port: Int) -> NetworkEndpoint {
        switch host {
        case "", "0.0.0.0": NetworkEndpoint(host: "127.0.0.1", port: port)
        case "::", "[::]": NetworkEndpoint(host: "::1", port: port)
        default: NetworkEndpoint(host: host, port: port)
        }
    }
}
