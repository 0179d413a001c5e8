public import FoundationEssentials
public import GRPCCore
public import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
public import Logging
public import PKI
import Synchronization

/// Connects to the cloud's mutually authenticated listener with the current identity.
///
/// Each call of ``withClient(_:)`` is one connection to one of the identity's addresses. After a failure the next
/// one tries the next address.
public final class CloudDialer: Sendable {
    /// Who dials.
    public let identity: CurrentIdentity
    private let now: @Sendable () -> Date
    private let refusals: PeerRefusals
    private let failures = Mutex(0)

    /// Makes a dialer.
    ///
    /// - Parameters:
    ///   - identity: who dials, and where the cloud is.
    ///   - now: the time to check the cloud's certificate at.
    ///   - logger: told about servers that are not the cloud; nil for nobody.
    public init(
        identity: CurrentIdentity, now: @escaping @Sendable () -> Date = { Date() }, logger: Logger? = nil
    ) {
        self.identity = identity
        self.now = now
        self.refusals = PeerRefusals(side: "connection to the cloud", logger: logger)
    }

    /// The address that the next connection goes to; nil where the identity names none.
    public var nextEndpoint: NetworkEndpoint? {
        let endpoints = identity.stored.cloud
        return endpoints.isEmpty ? nil : endpoints[failures.withLock { $0 } % endpoints.count]
    }

    /// Connects, runs the body, and closes the connection.
    ///
    /// The connection is made while the first call waits. A call fails with UNAVAILABLE where the address does not
    /// answer; waiting and trying again is the caller's business.
    ///
    /// - Parameter windowSize: bytes that the cloud may send on one call before they are taken here; the library's
    ///   default where it is nil.
    /// - Throws: what the body throws; ``HedgerowError`` UNAVAILABLE where the identity names no address.
    public func withClient<Output: Sendable>(
        windowSize: Int? = nil,
        _ body: (GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Output
    ) async throws -> Output {
        do {
            return try await withGRPCClient(
                transport: try makeTransport(windowSize: windowSize),
                interceptors: TracingClientInterceptor.current(),
                handleClient: body)
        } catch {
            failures.withLock { $0 = ($0 + 1) % 1_000_000 }
            throw error
        }
    }

    /// A transport to the address whose turn it is, for those who run a client themselves.
    public func makeTransport(windowSize: Int? = nil) throws -> HTTP2ClientTransport.Posix {
        guard let endpoint = nextEndpoint else {
            throw HedgerowError(
                .unavailable, .invalidField,
                "the identity of \(identity.principal) names no address of the cloud; enrol again with a new token"
            )
        }
        let verifier = PeerVerifier(
            roots: identity.roots, trustDomain: identity.trustDomain, usage: .server,
            expectedSPIFFEID: identity.cloudSPIFFEID, now: now)
        refusals.reset()
        return try ClientTransports.make(
            endpoint: endpoint, serverName: identity.stored.cloudServerName, identity: identity.client,
            verifier: verifier, refusals: refusals, windowSize: windowSize)
    }

    /// What an error of a call means, with the refusal of the server's certificate where that was the cause.
    public func explain(_ error: any Error) -> CallerError { CallerError(error, refusal: refusals.last) }
}
