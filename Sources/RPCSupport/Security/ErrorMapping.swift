public import GRPCCore
import HedgerowAPI
public import Identity
public import Logging
import Observability

/// Turns what handlers throw into what goes over the wire.
public struct ErrorMapping: Sendable {
    private let logger: Logger
    private let limiter = OncePerMinute()

    /// Makes one.
    ///
    /// - Parameter logger: gets internal faults.
    public init(logger: Logger) {
        self.logger = logger
    }

    /// What goes over the wire for an error.
    ///
    /// - Parameters:
    ///   - method: what was called.
    ///   - principal: who called; nil where that is not known, or no principal.
    ///   - ended: why the call was ended from outside; it explains whatever was thrown then.
    public func map(
        _ error: any Error, of method: MethodDescriptor, principal: Principal?, ended: HedgerowError?
    ) -> any Error & RPCErrorConvertible {
        if let ended { return ended }
        switch error {
        case let error as HedgerowError:
            if error.code == .internalError { return fault(error, method, principal) }
            return error
        case let error as RPCError:
            // What the library made out of an error that it did not know.
            if error.code == .unknown, let cause = error.cause {
                return map(cause, of: method, principal: principal, ended: nil)
            }
            return error
        case let error as any Error & RPCErrorConvertible:
            return error
        case is CancellationError:
            return HedgerowError.shuttingDown
        default:
            return fault(error, method, principal)
        }
    }

    /// An error that nobody expected: the caller gets an id, the log gets the rest.
    private func fault(
        _ error: any Error, _ method: MethodDescriptor, _ principal: Principal?
    ) -> HedgerowError {
        let id = String(UInt32.random(in: .min ... .max), radix: 36)
        // Each has an id of its own, so none is left out before a method fails often.
        if let suppressed = limiter.admit(method.fullyQualifiedMethod, burst: 20) {
            logger.error(
                "internal fault",
                metadata: [
                    "id": "\(id)", "method": "\(method.fullyQualifiedMethod)",
                    "principal": "\(principal?.description ?? "none")",
                    "error": "\(String(reflecting: error))",
                    "left-out-before": "\(suppressed)",
                ])
        }
        return HedgerowError(
            .internalError, .internal,
            "a fault of ours; please report it with what the server's log has under the id \(id)",
            details: ["id": id])
    }
}
