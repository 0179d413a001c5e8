public import GRPCCore
public import HedgerowAPI

/// Serves `grpc.health.v1.Health` from a ``HealthRegistry``
/// (https://github.com/grpc/grpc/blob/master/doc/health-checking.md).
public struct HealthService: Grpc_Health_V1_Health.SimpleServiceProtocol {
    private let registry: HealthRegistry

    /// Serves what the registry says.
    public init(registry: HealthRegistry) {
        self.registry = registry
    }

    /// Answers once; NOT_FOUND for a service that is not known.
    public func check(
        request: Grpc_Health_V1_HealthCheckRequest, context: ServerContext
    ) async throws -> Grpc_Health_V1_HealthCheckResponse {
        guard let status = registry.status(of: request.service) else {
            throw HedgerowError(
                .notFound, .notFound, "this server has no service \"\(request.service.prefix(200))\"")
        }
        return Self.response(status)
    }

    /// Answers once for everything that is known.
    public func list(
        request: Grpc_Health_V1_HealthListRequest, context: ServerContext
    ) async throws -> Grpc_Health_V1_HealthListResponse {
        var response = Grpc_Health_V1_HealthListResponse()
        response.statuses = registry.statuses.mapValues { Self.response($0) }
        return response
    }

    /// Answers now and after every change, until the call is over.
    public func watch(
        request: Grpc_Health_V1_HealthCheckRequest, response: RPCWriter<Grpc_Health_V1_HealthCheckResponse>,
        context: ServerContext
    ) async throws {
        guard request.service.utf8.count <= 256, let statuses = registry.watch(request.service) else {
            throw HedgerowError(
                .resourceExhausted, .tooManyCalls,
                "too many watch the health of this server (at most \(HealthRegistry.maximumWatchers)); try again later",
                retryAfter: .seconds(10))
        }
        try await untilCancelled(context) {
            for await status in statuses { try await response.write(Self.response(status)) }
        }
        throw HedgerowError.shuttingDown
    }

    private static func response(_ status: ServingStatus?) -> Grpc_Health_V1_HealthCheckResponse {
        var response = Grpc_Health_V1_HealthCheckResponse()
        response.status =
            switch status {
            case .serving?: .serving
            case .notServing?: .notServing
            case nil: .serviceUnknown
            }
        return response
    }
}
