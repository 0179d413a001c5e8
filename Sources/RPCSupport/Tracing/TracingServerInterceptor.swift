public import GRPCCore
import Observability
public import Tracing

/// Records a span for each call that is served, within the caller's trace where the metadata names one.
///
/// What the handler does, in its response's producer as well, sees the span as the current one: its log lines name
/// the trace. Health checks and reflection are not traced. Names and attributes are those of OpenTelemetry's semantic
/// conventions for gRPC.
public struct TracingServerInterceptor: ServerInterceptor {
    private let tracer: any Tracer

    /// Makes an interceptor; nil where the tracer records nothing.
    public init?(_ tracer: any Tracer = InstrumentationSystem.tracer) {
        if tracer is NoOpTracer { return nil }
        self.tracer = tracer
    }

    /// The first interceptors of a server: this one, or none where nothing is recorded.
    public static func current() -> [any ServerInterceptor] {
        TracingServerInterceptor().map { [$0] } ?? []
    }

    /// Whether calls of a service are traced.
    static func traces(_ service: String) -> Bool {
        !service.hasPrefix("grpc.health.") && !service.hasPrefix("grpc.reflection.")
    }

    /// Serves a call within a span.
    public func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingServerRequest<Input>, context: ServerContext,
        next:
            @Sendable (
                StreamingServerRequest<Input>, ServerContext
            ) async throws -> StreamingServerResponse<Output>
    ) async throws -> StreamingServerResponse<Output> {
        let method = context.descriptor
        let service = method.service.fullyQualifiedService
        guard Self.traces(service) else { return try await next(request, context) }
        var trace = InstrumentationContext.topLevel
        tracer.extract(request.metadata, into: &trace, using: MetadataCarrier())
        trace.isContinued = trace.traceContext != nil
        let span: any Span = tracer.startSpan(method.fullyQualifiedMethod, context: trace, ofKind: .server)
        var attributes = SpanAttributes.call(method)
        attributes["network.peer.address"] = context.remotePeer
        span.attributes = attributes

        var response: StreamingServerResponse<Output>
        do {
            response = try await InstrumentationContext.withValue(span.context) {
                try await next(request, context)
            }
        } catch {
            span.fail(error)
            throw error
        }
        switch response.accepted {
        case .failure(let error):
            span.fail(error)
        case .success(var contents):
            // Streaming handlers run here, where the task no longer knows the span.
            let produce = contents.producer
            contents.producer = { writer in
                do {
                    let trailers = try await InstrumentationContext.withValue(span.context) {
                        try await produce(writer)
                    }
                    span.succeed()
                    return trailers
                } catch {
                    span.fail(error)
                    throw error
                }
            }
            response.accepted = .success(contents)
        }
        return response
    }
}

extension InstrumentationContext {
    private enum ContinuedKey: InstrumentationContextKey {
        typealias Value = Bool
        static var nameOverride: String? { "hedgerow.continued" }
    }

    /// Whether the caller traces as well: then it decides which of its messages are traced.
    var isContinued: Bool {
        get { self[ContinuedKey.self] ?? false }
        set { self[ContinuedKey.self] = newValue }
    }
}
