import Synchronization

/// Bounds the requests that are not acknowledged yet.
final class InFlightWindow: Sendable {
    private struct State {
        var free: Int
        var isClosed = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state: Mutex<State>

    init(_ requests: Int) { state = Mutex(State(free: requests)) }

    /// Waits until at least one more request may go, and takes up to so many; 0 when it was closed.
    func take(upTo wanted: Int) async -> Int {
        while true {
            let taken: Int? = state.withLock { state in
                if state.isClosed { return 0 }
                guard state.free > 0 else { return nil }
                let count = min(wanted, state.free)
                state.free -= count
                return count
            }
            if let taken { return taken }
            await withCheckedContinuation { continuation in
                let goesOn = state.withLock { state in
                    if state.isClosed || state.free > 0 { return true }
                    state.waiter = continuation
                    return false
                }
                if goesOn { continuation.resume() }
            }
        }
    }

    /// Gives acknowledged requests back.
    func give(_ requests: Int) {
        let waiter = state.withLock { state in
            state.free += requests
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Lets nobody wait any more: the stream has ended.
    func close() {
        let waiter = state.withLock { state in
            state.isClosed = true
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}
