public import GRPCCore
import HedgerowAPI
public import Identity

/// Who calls, as the certificate of the connection says. ``AuthenticationInterceptor`` puts it into the
/// context of every call that has an identity; handlers read it with `context.peer()`.
public struct AuthenticatedPeer: ServerContext.TransportSpecific, Hashable {
    /// Who.
    public let principal: Principal
    /// Serial number of the certificate, lower-case hexadecimal.
    public let serialNumber: String
    /// Where the connection comes from, for logs: `ipv4:192.0.2.1:31415`.
    public let remoteAddress: String

    /// Makes a peer; for the interceptor, and for tests without TLS.
    public init(principal: Principal, serialNumber: String, remoteAddress: String) {
        self.principal = principal
        self.serialNumber = serialNumber
        self.remoteAddress = remoteAddress
    }
}

extension ServerContext {
    /// Who calls.
    ///
    /// - Throws: ``HedgerowError`` UNAUTHENTICATED `NO_IDENTITY` where the call has no identity.
    public func peer() throws(HedgerowError) -> AuthenticatedPeer {
        guard let peer = transportSpecific as? AuthenticatedPeer else { throw .noIdentity }
        return peer
    }
}

extension AuthorizationTable {
    /// Decides whether a call may have a resource, and says who calls. For handlers, once the request is read.
    ///
    /// - Parameters:
    ///   - context: of the call; its method must be one of ours.
    ///   - resource: what the request names; the caller's own where it leaves it out.
    /// - Throws: ``HedgerowError``: UNAUTHENTICATED `NO_IDENTITY`, PERMISSION_DENIED `ROLE_NOT_ALLOWED` or
    ///   `NOT_YOUR_RESOURCE`.
    @discardableResult
    public func authorize(_ context: ServerContext, for resource: Resource) throws(HedgerowError)
        -> AuthenticatedPeer
    {
        let peer = try context.peer()
        guard let rpc = RPC(fullyQualifiedName: context.descriptor.fullyQualifiedMethod) else {
            throw .denied(.roleNotAllowed, peer.principal, context.descriptor, resource)
        }
        if case .denied(let denial) = decide(peer.principal, rpc, resource) {
            throw .denied(denial, peer.principal, context.descriptor, resource)
        }
        return peer
    }
}

extension HedgerowError {
    /// UNAUTHENTICATED `NO_IDENTITY`.
    public static var noIdentity: HedgerowError {
        HedgerowError(
            .unauthenticated, .noIdentity,
            "the connection shows no identity of this cloud; enrol with a token first")
    }

    /// UNAUTHENTICATED `REVOKED`.
    public static func revoked(_ principal: Principal) -> HedgerowError {
        HedgerowError(
            .unauthenticated, .revoked,
            "the identity or certificate of \(principal) was revoked; ask an operator for a new token")
    }

    /// UNAVAILABLE `SHUTTING_DOWN`.
    public static var shuttingDown: HedgerowError {
        HedgerowError(
            .unavailable, .shuttingDown, "the server is shutting down or ended the call; connect again",
            retryAfter: .seconds(1))
    }

    static func denied(
        _ denial: AuthorizationDenial, _ principal: Principal?, _ method: MethodDescriptor,
        _ resource: Resource
    ) -> HedgerowError {
        switch denial {
        case .noIdentity:
            .noIdentity
        case .roleNotAllowed:
            HedgerowError(
                .permissionDenied, .roleNotAllowed,
                "\(principal?.role.rawValue ?? "nobody")s may not call \(method.fullyQualifiedMethod) here",
                details: ["method": method.fullyQualifiedMethod])
        case .notYourResource:
            HedgerowError(
                .permissionDenied, .notYourResource,
                "\(principal?.description ?? "nobody") may call \(method.method) only for itself, not for \(resource)",
                details: ["method": method.fullyQualifiedMethod])
        }
    }
}
