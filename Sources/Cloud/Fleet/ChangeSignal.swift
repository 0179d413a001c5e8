import Synchronization

/// Wakes those who watch something. A wake-up carries nothing and several may arrive as one: who is woken looks
/// up the present state, so that a slow watcher costs one flag and no queue.
final class ChangeSignal: Sendable {
    private struct State {
        var nextID: UInt64 = 0
        var watchers: [UInt64: AsyncStream<Void>.Continuation] = [:]
    }

    private let state = Mutex(State())

    init() {}

    /// Wakes all watchers.
    func fire() {
        for continuation in state.withLock({ Array($0.watchers.values) }) { continuation.yield() }
    }

    /// Wake-ups from now on; ends with the watcher's task.
    func watch() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.nextID += 1
            state.watchers[state.nextID] = continuation
            return state.nextID
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.watchers.removeValue(forKey: id) }
        }
        return stream
    }
}
