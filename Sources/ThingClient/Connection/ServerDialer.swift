import FoundationEssentials
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import PKI
import RPCSupport

/// Makes transports with the rules of TLS that all of a thing's connections follow: the server is checked by
/// its authority and its SPIFFE ID, at the later of the system clock and the last time known.
struct ServerDialer: Sendable {
    let trustDomain: String
    /// The time that certificates are checked against.
    let now: @Sendable () -> Date

    /// A transport to one address; without an identity for enrolment.
    func link(
        to target: ServerTarget, identity: StoredIdentity?
    ) throws -> ServerLink {
        let verifier = PeerVerifier(
            roots: try target.roots.flatMap { try Certificates.parse(pem: $0) }, trustDomain: trustDomain,
            usage: .server, expectedSPIFFEID: target.spiffeID, now: now)
        let refusals = PeerRefusals(side: target.core, logger: nil)
        let transport = try ClientTransports.make(
            endpoint: target.endpoint, serverName: target.serverName,
            identity: identity.map { ClientIdentity(chainPEM: $0.chainPEM, keyPEM: $0.keyPEM) },
            verifier: verifier, refusals: refusals)
        return ServerLink(transport: transport, endpoint: target.endpoint, refusals: refusals)
    }

    /// Makes one call on a connection of its own.
    ///
    /// - Throws: `CallerError`.
    func call<Reply: Sendable>(
        _ target: ServerTarget, identity: StoredIdentity?,
        _ body: @Sendable (GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Reply
    ) async throws(CallerError) -> Reply {
        let link: ServerLink
        do { link = try self.link(to: target, identity: identity) } catch {
            throw CallerError(error, endpoint: target.endpoint)
        }
        do {
            return try await withGRPCClient(
                transport: link.transport, interceptors: TracingClientInterceptor.current()
            ) { try await body($0) }
        } catch {
            throw link.explain(error)
        }
    }
}
