import GRPCCore
import Tracing

extension SpanAttributes {
    /// What a call's span says (OpenTelemetry semantic conventions for gRPC).
    static func call(_ method: MethodDescriptor) -> SpanAttributes {
        var attributes: SpanAttributes = [:]
        attributes["rpc.system"] = "grpc"
        attributes["rpc.service"] = method.service.fullyQualifiedService
        attributes["rpc.method"] = method.method
        return attributes
    }
}

extension Span {
    /// Ends a call's span well.
    func succeed() {
        updateAttributes { $0["rpc.grpc.status_code"] = 0 }
        end()
    }

    /// Ends a call's span with an error and its status.
    func fail(_ error: any Error) {
        let status: RPCError =
            if let known = error as? RPCError {
                known
            } else if let convertible = error as? any RPCErrorConvertible {
                RPCError(convertible)
            } else if error is CancellationError {
                RPCError(code: .cancelled, message: "the call was given up")
            } else {
                RPCError(code: .unknown, message: "\(error)")
            }
        updateAttributes { $0["rpc.grpc.status_code"] = Int64(status.code.rawValue) }
        setStatus(.init(code: .error, message: status.message))
        end()
    }
}
