public import FoundationEssentials
public import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
public import Identity
public import Logging
import PKI
import Synchronization
import X509

/// The door of every server of ours: who calls, may they, and what becomes of errors.
///
/// It comes first among the interceptors. For each call it
/// - reads the principal from the connection's certificate (remembered per certificate),
/// - refuses revoked and expired certificates and methods that the role may not call, before the request is read,
/// - enters the call into ``ActiveCalls`` until its response has ended, so that it can be cut off,
/// - puts an ``AuthenticatedPeer`` into the context,
/// - and turns whatever the handler throws, also while it streams, into an error that says something: ours as
///   they are, cancellation as UNAVAILABLE `SHUTTING_DOWN` or, at the call's deadline, DEADLINE_EXCEEDED, anything
///   else as INTERNAL `INTERNAL` with an id under which the log has the details.
///
/// On a listener whose table serves those without an identity (``AuthorizationTable/enrollment``) calls
/// without a certificate pass to the methods granted there; `context.peer()` throws for them.
public struct AuthenticationInterceptor: ServerInterceptor {
    private let table: AuthorizationTable
    private let trustDomain: String
    private let activeCalls: ActiveCalls
    private let isRevoked: @Sendable (Principal, String) -> Bool
    private let now: @Sendable () -> Date
    private let errors: ErrorMapping
    private let identities = IdentityCache()

    /// Makes an interceptor.
    ///
    /// - Parameters:
    ///   - table: what this listener grants.
    ///   - trustDomain: of the identities that are accepted.
    ///   - activeCalls: where calls are entered while they last; also the limit per principal.
    ///   - logger: gets internal faults.
    ///   - now: the time that certificates must not have expired at.
    ///   - isRevoked: whether a principal, or its certificate of that serial number, was revoked or
    ///     deactivated. Asked once a call; must not block.
    public init(
        table: AuthorizationTable, trustDomain: String, activeCalls: ActiveCalls, logger: Logger,
        now: @escaping @Sendable () -> Date = { Date() },
        isRevoked: @escaping @Sendable (_ principal: Principal, _ serialNumber: String) -> Bool = { _, _ in
            false
        }
    ) {
        self.table = table
        self.trustDomain = trustDomain
        self.activeCalls = activeCalls
        self.isRevoked = isRevoked
        self.now = now
        self.errors = ErrorMapping(logger: logger)
    }

    /// Lets a call in or refuses it.
    public func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingServerRequest<Input>,
        context: ServerContext,
        next:
            @Sendable (
                StreamingServerRequest<Input>, ServerContext
            ) async throws -> StreamingServerResponse<Output>
    ) async throws -> StreamingServerResponse<Output> {
        let deadline = CallDeadline(request.metadata)
        let peer = try authenticate(context)
        try authorize(peer?.principal, context.descriptor)
        let call = try activeCalls.enter(peer?.principal, context.cancellation)

        var context = context
        if let peer { context.transportSpecific = peer }
        let errors = errors
        let method = context.descriptor
        let principal = peer?.principal
        let map: @Sendable (any Error) -> any Error & RPCErrorConvertible = { error in
            let ended = call.endReason
            let mapped = errors.map(error, of: method, principal: principal, ended: ended)
            guard ended == nil, let deadline, deadline.explains(mapped) else { return mapped }
            return CallDeadline.exceeded
        }
        var response: StreamingServerResponse<Output>
        do {
            response = try await next(request, context)
        } catch {
            throw map(error)
        }
        switch response.accepted {
        case .failure(let error):
            response.accepted = .failure(RPCError(map(error)))
        case .success(var contents):
            // Streaming handlers run here, after every interceptor has returned.
            let produce = contents.producer
            let endsItself = RPC(fullyQualifiedName: method.fullyQualifiedMethod)?.endsItself ?? false
            contents.producer = { writer in
                do {
                    let trailers = try await call.run(endsItself: endsItself) { try await produce(writer) }
                    call.leave()
                    return trailers
                } catch {
                    call.leave()
                    throw map(error)
                }
            }
            response.accepted = .success(contents)
        }
        return response
    }

    private func authenticate(_ context: ServerContext) throws(HedgerowError) -> AuthenticatedPeer? {
        if let peer = context.transportSpecific as? AuthenticatedPeer {
            // Put there by an interceptor before this one: tests without TLS.
            try checkRevocation(peer.principal, peer.serialNumber)
            return peer
        }
        guard let transport = context.transportSpecific as? HTTP2ServerTransport.Posix.Context,
            let certificate = transport.peerCertificate
        else { return nil }
        guard let identity = identities.identity(of: certificate, trustDomain: trustDomain) else {
            throw .noIdentity
        }
        guard identity.notAfter >= now() else {
            throw HedgerowError(
                .unauthenticated, .noIdentity,
                "the certificate of \(identity.principal) expired while it was connected; renew it, or enrol again"
            )
        }
        try checkRevocation(identity.principal, identity.serialNumber)
        return AuthenticatedPeer(
            principal: identity.principal, serialNumber: identity.serialNumber,
            remoteAddress: context.remotePeer)
    }

    private func checkRevocation(_ principal: Principal, _ serialNumber: String) throws(HedgerowError) {
        if isRevoked(principal, serialNumber) { throw .revoked(principal) }
    }

    private func authorize(_ principal: Principal?, _ method: MethodDescriptor) throws(HedgerowError) {
        guard let rpc = RPC(fullyQualifiedName: method.fullyQualifiedMethod) else {
            // Not in the table: denied, whoever asks.
            throw .denied(principal == nil ? .noIdentity : .roleNotAllowed, principal, method, .none)
        }
        if case .denied(let denial) = table.roleMayCall(principal, rpc) {
            throw .denied(denial, principal, method, .none)
        }
    }
}

/// Identities by certificate, so that a certificate is taken apart once and not for every call.
///
/// Bounded: at the limit an arbitrary entry makes room.
private final class IdentityCache: Sendable {
    struct Identity: Sendable {
        let principal: Principal
        let serialNumber: String
        let notAfter: Date
    }

    private static let capacity = 4_096
    private let entries = Mutex<[Certificate: Identity]>([:])

    func identity(of certificate: Certificate, trustDomain: String) -> Identity? {
        if let known = entries.withLock({ $0[certificate] }) { return known }
        guard let id = certificate.spiffeID,
            let principal = try? Principal(spiffeID: id, trustDomain: trustDomain)
        else { return nil }
        let identity = Identity(
            principal: principal, serialNumber: certificate.serialNumberText,
            notAfter: certificate.notValidAfter)
        entries.withLock { entries in
            if entries.count >= Self.capacity { entries.remove(at: entries.startIndex) }
            entries[certificate] = identity
        }
        return identity
    }
}
