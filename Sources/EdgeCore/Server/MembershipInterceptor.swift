public import GRPCCore
import HedgerowAPI
import Identity
public import RPCSupport

/// Lets only those things in that the running revision names.
///
/// It comes after the authentication: who calls is known, and the call is registered with ``RPCSupport/ActiveCalls``
/// already, so that a revision that takes the thing away also finds a call that passes here at the same instant.
public struct MembershipInterceptor: ServerInterceptor {
    private let revision: ActiveRevision
    private let core: String
    private let activeCalls: ActiveCalls
    private let maximumThings: Int

    /// Makes the interceptor of a core.
    ///
    /// - Parameters:
    ///   - revision: what the core runs.
    ///   - core: the core's name.
    ///   - activeCalls: the calls that are open now.
    ///   - maximumThings: callers that may have calls open at once.
    public init(revision: ActiveRevision, core: String, activeCalls: ActiveCalls, maximumThings: Int) {
        self.revision = revision
        self.core = core
        self.activeCalls = activeCalls
        self.maximumThings = maximumThings
    }

    /// Refuses a thing that is not in the group (PERMISSION_DENIED `NOT_IN_GROUP`), and one more than the core
    /// serves at once (RESOURCE_EXHAUSTED `TOO_MANY_CALLS`).
    public func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingServerRequest<Input>, context: ServerContext,
        next:
            @Sendable (StreamingServerRequest<Input>, ServerContext) async throws -> StreamingServerResponse<
                Output
            >
    ) async throws -> StreamingServerResponse<Output> {
        let principal = try context.peer().principal
        if principal.role == .thing, !revision.carries(thing: principal.name) {
            throw refusal(of: principal.name)
        }
        guard activeCalls.admit(principal, among: maximumThings) else {
            throw HedgerowError(
                .resourceExhausted, .tooManyCalls,
                "the core \"\(core)\" serves \(maximumThings) things already, its limit; use another core of the group",
                details: ["core": core], retryAfter: .seconds(30))
        }
        return try await next(request, context)
    }

    private func refusal(of thing: String) -> HedgerowError {
        guard let current = revision.current else {
            return HedgerowError(
                .permissionDenied, .notInGroup,
                "the core \"\(core)\" runs no deployment yet; deploy a group that names it and the thing \"\(thing)\"",
                details: ["core": core, "thing": thing])
        }
        return HedgerowError(
            .permissionDenied, .notInGroup,
            "the thing \"\(thing)\" is not in group \"\(current.group)\" as the core \"\(core)\" runs it (revision "
                + "\(current.revision)); add it to the group and deploy, or ask the cloud for its cores again",
            details: [
                "core": core, "thing": thing, "group": current.group, "revision": "\(current.revision)",
            ])
    }
}
