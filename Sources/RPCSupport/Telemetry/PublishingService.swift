public import GRPCCore
import GRPCProtobuf
public import HedgerowAPI

/// A telemetry service whose `Publish` is given requests with the bytes of their batches.
public protocol ArrivedPublishing: TelemetryService.SimpleServiceProtocol {
    /// Serves `Publish`.
    func publish(
        arrived requests: RPCAsyncSequence<ArrivedPublishRequest, any Error>,
        response: RPCWriter<PublishResponse>, context: ServerContext
    ) async throws
}

extension ArrivedPublishing {
    /// Serves `Publish` where it was registered without ``PublishingService``: then nothing is known of the bytes.
    public func publish(
        request: RPCAsyncSequence<PublishRequest, any Error>, response: RPCWriter<PublishResponse>,
        context: ServerContext
    ) async throws {
        try await publish(
            arrived: RPCAsyncSequence(wrapping: request.map { ArrivedPublishRequest($0) }),
            response: response,
            context: context)
    }
}

/// Registers a telemetry service with a decoder for `Publish` that keeps the bytes of the batches.
public struct PublishingService<Base: ArrivedPublishing>: RegistrableRPCService {
    private let base: Base

    /// Wraps a service.
    public init(_ base: Base) { self.base = base }

    /// Registers all methods of the service.
    public func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        base.registerMethods(with: &router)
        router.registerHandler(
            forMethod: TelemetryService.Method.Publish.descriptor,
            deserializer: ArrivedPublishRequestDeserializer(),
            serializer: ProtobufSerializer<PublishResponse>()
        ) { [base] request, context in
            StreamingServerResponse { writer in
                try await base.publish(arrived: request.messages, response: writer, context: context)
                return [:]
            }
        }
    }
}
