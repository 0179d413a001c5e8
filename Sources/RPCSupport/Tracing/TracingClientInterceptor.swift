public import GRPCCore
public import Tracing

/// Records a span for each call that is made, and puts its trace into the call's metadata (`traceparent`).
public struct TracingClientInterceptor: ClientInterceptor {
    private let tracer: any Tracer

    /// Makes an interceptor; nil where the tracer records nothing.
    public init?(_ tracer: any Tracer = InstrumentationSystem.tracer) {
        if tracer is NoOpTracer { return nil }
        self.tracer = tracer
    }

    /// The interceptors of a client: this one, or none where nothing is recorded.
    public static func current() -> [any ClientInterceptor] {
        TracingClientInterceptor().map { [$0] } ?? []
    }

    /// Makes a call within a span.
    public func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingClientRequest<Input>, context: ClientContext,
        next: (StreamingClientRequest<Input>, ClientContext) async throws -> StreamingClientResponse<Output>
    ) async throws -> StreamingClientResponse<Output> {
        let method = context.descriptor
        guard TracingServerInterceptor.traces(method.service.fullyQualifiedService) else {
            return try await next(request, context)
        }
        let span: any Span = tracer.startSpan(method.fullyQualifiedMethod, ofKind: .client)
        var attributes = SpanAttributes.call(method)
        attributes["server.address"] = context.remotePeer
        span.attributes = attributes
        var request = request
        tracer.inject(span.context, into: &request.metadata, using: MetadataCarrier())
        do {
            var response = try await InstrumentationContext.withValue(span.context) {
                try await next(request, context)
            }
            switch response.accepted {
            case .failure(let error): span.fail(error)
            case .success(var contents):
                // The call goes on while its messages are read.
                contents.bodyParts = RPCAsyncSequence(
                    wrapping: SpannedParts<Output>(base: contents.bodyParts, span: span))
                response.accepted = .success(contents)
            }
            return response
        } catch {
            span.fail(error)
            throw error
        }
    }
}
