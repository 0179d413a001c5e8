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
        guard calls.enter(caller.run, limit: Self.maximumCalls) else {
            throw HedgerowError(
                .resourceExhausted, .tooManyCalls,
                "the program of component instance \"\(caller.instance)\" has \(Self.maximumCalls) calls open already",
                retryAfter: .seconds(1))
        }
        var context = context
        context.transportSpecific = caller
        let (calls, errors, method) = (calls, errors, context.descriptor)
        var response: StreamingServerResponse<Output>
        do {
            response = try await next(request, context)
        } catch {
            calls.leave(caller.run)
            throw errors.map(error, of: method, principal: nil, ended: nil)
        }
        switch response.accepted {
        case .failure(let error):
            calls.leave(caller.run)
            response.accepted = .failure(RPCError(errors.map(error, of: method, principal: nil, ended: nil)))
        case .success(var contents):
            // Streaming handlers run here, after every interceptor has returned.
            let produce = contents.producer
            contents.producer = { writer in
                defer { calls.leave(caller.run) }
                do { return try await produce(writer) } catch { throw errors.map(error, of: method, principal: nil, ended: nil) }
            }
            response.accepted = .success(contents)
        }
        return response
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
