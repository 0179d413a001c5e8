public import GRPCCore
import NIOCore
import NIOPosix
import NIOSSL
public import PKI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What a failed call means to the person or the loop that made it: one sentence with a hint, and a kind.
public struct CallerError: Error, Sendable, CustomStringConvertible {
    /// What to do about it.
    public enum Kind: Hashable, Sendable {
        /// Nothing answers at the address; try again, or another one.
        case unreachable
        /// The server's certificate was not accepted by us; find out about servers anew.
        case serverNotTrusted(PeerRefusal)
        /// The server (most likely) did not accept our certificate.
        case identityNotAccepted
        /// The server answered with an error of ours.
        case answered(ErrorReason)
        /// The call took too long.
        case timedOut
        /// The call was cancelled on this side.
        case cancelled
        /// Anything else.
        case other
    }

    /// The kind.
    public let kind: Kind
    /// The gRPC code, where there is one.
    public let code: RPCError.Code?
    /// What happened, one sentence without a full stop.
    public let message: String
    /// What to do, where that is known.
    public let hint: String?

    /// Message and hint.
    public var description: String { hint.map { "\(message); \($0)" } ?? message }

    /// Reads what a call threw.
    ///
    /// - Parameters:
    ///   - error: what was thrown.
    ///   - endpoint: what was dialled.
    ///   - refusal: the last refused server certificate (``PeerRefusals/last``).
    public init(_ error: any Error, endpoint: NetworkEndpoint? = nil, refusal: PeerRefusal? = nil) {
        let place = endpoint.map { " at \($0)" } ?? ""
        let rpc = (error as? RPCError) ?? (error as? any RPCErrorConvertible).map(Self.rpcError)
        code = rpc?.code
        if let ours = (error as? HedgerowError) ?? rpc.flatMap(HedgerowError.init) {
            kind = .answered(ours.reason)
            message = ours.message
            hint =
                ours.violations.isEmpty
                ? nil : ours.violations.map { "\($0.field): \($0.description)" }.joined(separator: "; ")
            return
        }
        let causes = Self.causes(of: error)
        if let refusal, rpc == nil || rpc?.code == .unavailable {
            kind = .serverNotTrusted(refusal)
            message = "the server\(place) was not trusted: \(refusal)"
            hint = nil
        } else if error is CancellationError || rpc?.code == .cancelled {
            kind = .cancelled
            message = "the call was cancelled"
            hint = nil
        } else if rpc?.code == .deadlineExceeded {
            kind = .timedOut
            message = "the server\(place) did not answer in time"
            hint = "check that it is not overloaded and that the network lets the connection through"
        } else if causes.contains(where: Self.isRefusedConnection) {
            kind = .unreachable
            message = "nothing answers\(place)"
            hint = "check that the server runs and listens there, and that no firewall is between"
        } else if causes.contains(where: Self.isSilentEnd) {
            // Who refuses a certificate says so by an alert; who only hangs up is going, or is no server of ours.
            kind = .unreachable
            message = "the server\(place) ended the connection during the TLS handshake"
            hint = "it may be starting or stopping, or something else listens there; try again"
        } else if causes.contains(where: { $0 is NIOSSLError || $0 is BoringSSLError }) {
            kind = .identityNotAccepted
            message = "the server\(place) ended the TLS handshake"
            hint =
                "it most likely did not accept the certificate of this client: it expired, was revoked, belongs to "
                + "another cloud, or there is none; the server's log says which"
        } else if rpc?.code == .unavailable {
            kind = .unreachable
            message = "the server\(place) cannot be reached"
            hint = "check its address, that it runs, and the network (\(Self.shortest(causes)))"
        } else {
            kind = .other
            message =
                rpc.map { "the call failed with \($0.code): \($0.message)" } ?? "the call failed: \(error)"
            hint = nil
        }
    }

    private static func rpcError(_ error: any RPCErrorConvertible) -> RPCError {
        RPCError(error)
    }

    /// The error and what caused it, outermost first; at most 16.
    private static func causes(of error: any Error) -> [any Error] {
        var list: [any Error] = [error]
        var index = 0
        while index < list.count, list.count < 16 {
            switch list[index] {
            case let error as RPCError: if let cause = error.cause { list.append(cause) }
            case let error as NIOConnectionError: list.append(contentsOf: error.connectionErrors.map(\.error))
            case NIOSSLError.handshakeFailed(let inner): list.append(inner)
            default: break
            }
            index += 1
        }
        return list
    }

    private static func isRefusedConnection(_ error: any Error) -> Bool {
        guard let error = error as? IOError else { return false }
        return error.errnoCode == ECONNREFUSED || error.errnoCode == EHOSTUNREACH
            || error.errnoCode == ENETUNREACH
            || error.errnoCode == ETIMEDOUT
    }

    /// Whether the line was closed or reset in the middle of TLS, without an alert that says why.
    private static func isSilentEnd(_ error: any Error) -> Bool {
        switch error {
        case NIOSSLError.handshakeFailed(.sslError(let stack)): stack.contains(.eofDuringHandshake)
        case NIOSSLError.uncleanShutdown: true
        default: false
        }
    }

    private static func shortest(_ causes: [any Error]) -> String {
        String((causes.last.map { "\($0)" } ?? "no cause given").prefix(200))
    }
}
