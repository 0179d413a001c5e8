import GRPCCore
import HedgerowAPI
import Identity
import RPCSupport
import Synchronization

/// Whose call came with which certificate, so that a revoked certificate also ends the calls that are open.
///
/// Bounded: certificates of callers without an open call are forgotten when there are too many.
final class ServedCertificates: Sendable {
    /// From so many entries on, those without an open call are forgotten.
    static let sweepAt = 4_096

    private let activeCalls: ActiveCalls
    private let principals = Mutex<[String: Principal]>([:])

    init(activeCalls: ActiveCalls) {
        self.activeCalls = activeCalls
    }

    func note(_ peer: AuthenticatedPeer) {
        principals.withLock { principals in
            guard principals[peer.serialNumber] == nil else { return }
            if principals.count >= Self.sweepAt {
                principals = principals.filter { activeCalls.count(of: $0.value) > 0 }
            }
            principals[peer.serialNumber] = peer.principal
        }
    }

    /// Ends the calls of those who came with one of these certificates. Who has renewed his since is cut off once
    /// and connects again with the new one.
    func cut(_ serialNumbers: Set<String>) {
        let callers = principals.withLock { principals in
            Set(serialNumbers.compactMap { principals.removeValue(forKey: $0) })
        }
        for caller in callers { activeCalls.cancel(caller) }
    }
}

/// Notes the certificate of every call. It comes after the authentication, so the call can be ended already.
struct ServedCertificatesInterceptor: ServerInterceptor {
    private let certificates: ServedCertificates
    private let revoked: RevokedCertificates

    init(_ certificates: ServedCertificates, revoked: RevokedCertificates) {
        self.certificates = certificates
        self.revoked = revoked
    }

    func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingServerRequest<Input>, context: ServerContext,
        next:
            @Sendable (StreamingServerRequest<Input>, ServerContext) async throws -> StreamingServerResponse<
                Output
            >
    ) async throws -> StreamingServerResponse<Output> {
        let peer = try context.peer()
        certificates.note(peer)
        // Revoked between the authentication and the note: cutting has not seen this call.
        if revoked.contains(peer.serialNumber) { throw HedgerowError.revoked(peer.principal) }
        return try await next(request, context)
    }
}
