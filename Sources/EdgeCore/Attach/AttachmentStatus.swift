import Synchronization

/// How the core and the cloud stand; for logs, health and tests.
public final class AttachmentStatus: Sendable {
    /// One moment's state.
    public struct Snapshot: Hashable, Sendable {
        /// Whether the core is attached now.
        public internal(set) var isAttached = false
        /// How often it was attached since the start.
        public internal(set) var attachments: UInt64 = 0
        /// How often another process with the same identity took over.
        public internal(set) var superseded: UInt64 = 0
        /// Why the last attachment or attempt ended; nil where none did.
        public internal(set) var lastError: String?
        /// How far this machine's clock was ahead of the cloud's when it attached last.
        public internal(set) var clockAhead: Duration?
    }

    private struct State {
        var snapshot = Snapshot()
        var nextWaiter: UInt64 = 0
        // One a stage of a deployment that is being carried out; what is given up leaves.
        var waiters: [UInt64: CheckedContinuation<Void, any Error>] = [:]
    }

    private let state = Mutex(State())

    /// Makes a status: not attached.
    public init() {}

    /// The state now.
    public var snapshot: Snapshot { state.withLock { $0.snapshot } }

    func update(_ change: (inout Snapshot) -> Void) {
        let waiters = state.withLock { state in
            change(&state.snapshot)
            guard state.snapshot.isAttached else { return [CheckedContinuation<Void, any Error>]() }
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when the core is attached, at once where it is.
    ///
    /// - Throws: `CancellationError` where the task is cancelled before.
    func waitUntilAttached() async throws {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation {
                (continuation: CheckedContinuation<Void, any Error>) in
                let known = state.withLock { state -> Result<Void, any Error>? in
                    if state.snapshot.isAttached { return .success(()) }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.waiters[id] = continuation
                    return nil
                }
                if let known { continuation.resume(with: known) }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
            waiter?.resume(throwing: CancellationError())
        }
    }
}
