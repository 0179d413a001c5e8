import Synchronization

/// What runs here, as far as deployments tell: one that fails leaves what was there before.
final class DevRuns: Sendable {
    private struct State {
        var settled: DevInstances?
        var newest: (deployment: String, instances: DevInstances)?
    }

    private let state = Mutex(State())

    /// Whether nothing was deployed yet, or all of it failed.
    var isEmpty: Bool { state.withLock { $0.settled == nil && $0.newest == nil } }

    /// A deployment was made.
    ///
    /// - Returns: what it changes.
    func deploy(_ deployment: String, _ instances: DevInstances) -> String {
        state.withLock { state in
            let before = state.newest?.instances ?? state.settled ?? DevInstances()
            state.newest = (deployment, instances)
            return before.changes(to: instances)
        }
    }

    /// A deployment came to its end; nothing where a newer one has taken its place.
    func end(_ deployment: String, isSuccess: Bool) {
        state.withLock { state in
            guard let newest = state.newest, newest.deployment == deployment else { return }
            if isSuccess { state.settled = newest.instances }
            state.newest = nil
        }
    }
}
