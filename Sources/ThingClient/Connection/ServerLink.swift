import GRPCNIOTransportHTTP2Posix
import PKI
import RPCSupport

/// A transport to one address, and what is needed to explain why it failed.
struct ServerLink: Sendable {
    let transport: HTTP2ClientTransport.Posix
    let endpoint: NetworkEndpoint
    /// Where a refused server certificate was noted; nil without TLS.
    var refusals: PeerRefusals?

    /// What an error of a call on it means to people.
    func explain(_ error: any Error) -> CallerError {
        CallerError(error, endpoint: endpoint, refusal: refusals?.last)
    }
}
