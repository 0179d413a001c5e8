import GRPCCore
import HedgerowAPI
public import Identity
import Synchronization

/// The calls that are going on, by caller: the kill switch, and the limit of calls per caller.
///
/// ``AuthenticationInterceptor`` enters every call and takes it out when its response has ended, or was thrown
/// away without having begun.
public final class ActiveCalls: Sendable {
    /// Calls that one principal may have at once by default.
    public static let defaultMaximumPerPrincipal = 256

    private struct State {
        var nextID: UInt64 = 0
        /// The nil key holds the calls of those without an identity, all together.
        var calls: [Principal?: [UInt64: ActiveCall]] = [:]
        /// Those that have a place.
        var admitted: Set<Principal> = []
    }

    private let maximumPerPrincipal: Int
    private let state = Mutex(State())

    /// Makes an empty register.
    ///
    /// - Parameter maximumPerPrincipal: calls that one principal may have at once; those without an identity
    ///   count as one. The next call is refused with RESOURCE_EXHAUSTED `TOO_MANY_CALLS`.
    public init(maximumPerPrincipal: Int = ActiveCalls.defaultMaximumPerPrincipal) {
        self.maximumPerPrincipal = maximumPerPrincipal
    }

    /// Ends all calls of a principal, within moments: their RPCs are cancelled, their handlers' tasks too.
    ///
    /// New calls are not refused by it: that is up to the interceptor's `isRevoked`, which must say so before
    /// this is called.
    ///
    /// - Parameters:
    ///   - principal: whose calls.
    ///   - reason: what the caller is told; UNAUTHENTICATED `REVOKED` by default.
    /// - Returns: how many calls there were.
    @discardableResult
    public func cancel(_ principal: Principal, reason: HedgerowError? = nil) -> Int {
        let calls = state.withLock { $0.calls[principal].map { Array($0.values) } ?? [] }
        for call in calls { call.end(because: reason ?? .revoked(principal)) }
        return calls.count
    }

    /// How many calls a principal has now.
    public func count(of principal: Principal) -> Int {
        state.withLock { $0.calls[principal]?.count ?? 0 }
    }

    /// How many calls there are now.
    public var count: Int {
        state.withLock { $0.calls.values.reduce(0) { $0 + $1.count } }
    }

    /// The principals that have calls now.
    public var principals: Set<Principal> {
        state.withLock { Set($0.calls.keys.compactMap { $0 }) }
    }

    /// Gives a principal a place among so many, unless it has one. It has it until its last call has ended.
    ///
    /// - Parameter maximum: how many places there are.
    /// - Returns: whether it has one; false where all are taken, which changes nothing for those who have them.
    public func admit(_ principal: Principal, among maximum: Int) -> Bool {
        state.withLock { state in
            if state.admitted.contains(principal) { return true }
            // Without a call, nothing would ever give the place back.
            guard state.admitted.count < maximum, state.calls[principal] != nil else { return false }
            state.admitted.insert(principal)
            return true
        }
    }

    func enter(
        _ principal: Principal?, _ cancellation: ServerContext.RPCCancellationHandle
    ) throws(HedgerowError) -> ActiveCallRegistration {
        let call = ActiveCall(cancellation: cancellation)
        let id = state.withLock { state -> UInt64? in
            guard state.calls[principal]?.count ?? 0 < maximumPerPrincipal else { return nil }
            state.nextID += 1
            state.calls[principal, default: [:]][state.nextID] = call
            return state.nextID
        }
        guard let id else {
            throw HedgerowError(
                .resourceExhausted, .tooManyCalls,
                "\(principal.map(\.description) ?? "callers without an identity") already have \(maximumPerPrincipal) "
                    + "calls open, the most that are allowed; end some first",
                retryAfter: .seconds(1))
        }
        return ActiveCallRegistration(call: call, calls: self, principal: principal, id: id)
    }

    fileprivate func leave(_ principal: Principal?, _ id: UInt64) {
        state.withLock { state in
            state.calls[principal]?[id] = nil
            guard state.calls[principal]?.isEmpty == true else { return }
            state.calls[principal] = nil
            if let principal { state.admitted.remove(principal) }
        }
    }
}

/// One call that is going on.
final class ActiveCall: Sendable {
    private struct State {
        var endReason: HedgerowError?
        var waiter: AsyncStream<Void>.Continuation?
    }

    private let cancellation: ServerContext.RPCCancellationHandle
    private let state = Mutex(State())

    init(cancellation: ServerContext.RPCCancellationHandle) {
        self.cancellation = cancellation
    }

    var endReason: HedgerowError? { state.withLock { $0.endReason } }

    func end(because reason: HedgerowError) {
        let waiter = state.withLock { state in
            if state.endReason == nil { state.endReason = reason }
            return state.waiter
        }
        waiter?.finish()
        cancellation.cancel()
    }

    /// Runs the handler, and cancels its task when the call is ended from outside; the call itself is cancelled too,
    /// which is all that one needs that ends by itself then.
    func run<Value: Sendable>(
        endsItself: Bool, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        if endsItself {
            if let endReason { throw endReason }
            return try await body()
        }
        let (ended, waiter) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let already = state.withLock { state in
            state.waiter = waiter
            return state.endReason
        }
        if let already { throw already }
        // One task for the handler and none to watch: there are thousands of calls that do nothing but wait.
        return try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask {
                defer { waiter.finish() }
                return try await body()
            }
            for await _ in ended {}
            // Over, ended from outside, or this task was cancelled: the handler learns of it and gets to clean up.
            group.cancelAll()
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }
}

/// A call's place in the register; left when the response has ended, or when nobody holds this any more (a
/// response that never began: the peer went away before its first byte).
final class ActiveCallRegistration: Sendable {
    private let call: ActiveCall
    private let calls: ActiveCalls
    private let principal: Principal?
    private let id: UInt64

    init(call: ActiveCall, calls: ActiveCalls, principal: Principal?, id: UInt64) {
        self.call = call
        self.calls = calls
        self.principal = principal
        self.id = id
    }

    deinit { leave() }

    /// Why the call was ended from outside; nil where it was not.
    var endReason: HedgerowError? { call.endReason }

    func run<Value: Sendable>(
        endsItself: Bool, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let value = try await call.run(endsItself: endsItself, body)
        if let reason = call.endReason { throw reason }
        return value
    }

    func leave() { calls.leave(principal, id) }
}
