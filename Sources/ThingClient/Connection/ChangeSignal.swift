import Synchronization

/// Tells tasks that something changed. What changed is looked up elsewhere: read the version, look, and wait
/// for a newer version where there was nothing to find.
package final class ChangeSignal: Sendable {
    private struct State: Sendable {
        var version: UInt64 = 0
        var nextWaiter: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<UInt64, any Error>] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// Counts the changes.
    package var version: UInt64 { state.withLock { $0.version } }

    /// Something changed.
    package func notify() {
        let (version, waiters) = state.withLock { state in
            state.version += 1
            defer { state.waiters.removeAll() }
            return (state.version, Array(state.waiters.values))
        }
        for waiter in waiters { waiter.resume(returning: version) }
    }

    /// Returns the version as soon as it is above `seen`.
    ///
    /// - Throws: `CancellationError`.
    package func wait(after seen: UInt64) async throws -> UInt64 {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let now: Result<UInt64, any Error>? = state.withLock { state in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.version > seen { return .success(state.version) }
                    state.waiters[id] = continuation
                    return nil
                }
                if let now { continuation.resume(with: now) }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
            waiter?.resume(throwing: CancellationError())
        }
    }
}
