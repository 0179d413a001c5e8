import Synchronization

/// Wakes one waiting task: a level, not a count. Signals sent while nobody waits are kept as one.
///
/// For loops of the form "wait, then look at the state": what changed is kept elsewhere, under a lock.
public final class Signal: Sendable {
    private struct State {
        var isSignaled = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// Makes a signal that is not set.
    public init() {}

    /// Wakes the waiter, or the next one.
    public func signal() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard let waiter = state.waiter else {
                state.isSignaled = true
                return nil
            }
            state.waiter = nil
            return waiter
        }
        waiter?.resume()
    }

    /// Returns at the next signal, at once where one was kept, or when the task is cancelled.
    ///
    /// One task waits at a time; a second one wakes the first.
    public func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let previous = state.withLock { state -> CheckedContinuation<Void, Never>? in
                    if state.isSignaled || Task.isCancelled {
                        state.isSignaled = false
                        return continuation
                    }
                    let previous = state.waiter
                    state.waiter = continuation
                    return previous
                }
                previous?.resume()
            }
        } onCancel: {
            signal()
        }
    }

    /// The same, and returns after so long at the latest.
    public func wait(upTo timeout: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait() }
            group.addTask { try? await Task.sleep(for: timeout) }
            await group.next()
            group.cancelAll()
        }
    }
}
