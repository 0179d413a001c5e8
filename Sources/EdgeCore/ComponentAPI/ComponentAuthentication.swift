import GRPCCore
import HedgerowAPI
import Logging
import RPCSupport

/// The door of the server for components: which program calls, and what becomes of errors.
struct ComponentAuthentication: ServerInterceptor {
    /// Most calls of one program at once.
    static let maximumCalls = 64

    private let tokens: ComponentTokens
    private let calls = CallCounts()
    private let errors: ErrorMapping

    init(tokens: ComponentTokens, logger: Logger) {
        self.tokens = tokens
        errors = ErrorMapping(logger: logger)
    }

    func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingServerRequest<Input>, context: ServerContext,
        next:
            @Sendable (StreamingServerRequest<Input>, ServerContext) async throws -> StreamingServerResponse<
                Output
            >
    ) async throws -> StreamingServerResponse<Output> {
        let caller = try authenticate(request.metadata)
        var context = context
        context.transportSpecific = caller
        let (calls, errors, method) = (calls, errors, context.descriptor)
        // A handler that streams its answers runs later, in the producer, or not at all where the program is gone.
        let isStreaming = Self.streaming.contains(method.method)
        if !isStreaming { try enter(caller) }
        defer { if !isStreaming { calls.leave(caller.run) } }
        var response: StreamingServerResponse<Output>
        do {
            response = try await next(request, context)
        } catch {
            throw errors.map(error, of: method, principal: nil, ended: nil)
        }
        switch response.accepted {
        case .failure(let error):
            response.accepted = .failure(
                RPCError(errors.map(error, of: method, principal: nil, ended: nil)))
        case .success(var contents):
            let produce = contents.producer
            contents.producer = { writer in
                do {
                    guard isStreaming else { return try await produce(writer) }
                    try enter(caller)
                    defer { calls.leave(caller.run) }
                    return try await produce(writer)
                } catch {
                    throw errors.map(error, of: method, principal: nil, ended: nil)
                }
            }
            response.accepted = .success(contents)
        }
        return response
    }

    private static let streaming: Set = [
        "Receive", "WatchConfiguration", "WatchShadow", "ServerReflectionInfo",
    ]

    private func enter(_ caller: ComponentCaller) throws {
        guard calls.enter(caller.run, limit: Self.maximumCalls) else {
            throw HedgerowError(
                .resourceExhausted, .tooManyCalls,
                "the program of component instance \"\(caller.instance)\" has \(Self.maximumCalls) calls open already",
                retryAfter: .seconds(1))
        }
    }

    private func authenticate(_ metadata: Metadata) throws -> ComponentCaller {
        let prefix = "Bearer "
        guard let text = metadata[stringValues: "authorization"].first(where: { _ in true }),
            text.hasPrefix(prefix)
        else {
            throw HedgerowError(
                .unauthenticated, .noIdentity,
                "the call has no metadata \"authorization: Bearer TOKEN\"; the core gives a program its token in "
                    + "HEDGEROW_TOKEN")
        }
        guard let caller = tokens.caller(with: String(text.dropFirst(prefix.count))) else {
            throw HedgerowError(
                .unauthenticated, .noIdentity,
                "no program that this core runs has this token; it is good for one run of one program")
        }
        return caller
    }
}

extension ServerContext {
    /// The program that calls.
    func componentCaller() throws -> ComponentCaller {
        guard let caller = transportSpecific as? ComponentCaller else {
            throw HedgerowError(.internalError, .internal, "the call passed no authentication")
        }
        return caller
    }
}
