import Synchronization

/// Where connections wait for each other, so that the clock runs when all of them stand.
final class StartLine: Sendable {
    private struct State {
        var missing: Int
        var crossed: ContinuousClock.Instant?
    }

    private let state: Mutex<State>

    /// - Parameter count: how many have to come.
    init(_ count: Int) { state = Mutex(State(missing: count)) }

    /// Waits until all have come; returns when that was.
    func cross() async throws -> ContinuousClock.Instant {
        state.withLock { state in
            state.missing -= 1
            if state.missing == 0 { state.crossed = .now }
        }
        while true {
            if let crossed = state.withLock({ $0.crossed }) { return crossed }
            try await Task.sleep(for: .milliseconds(2))
        }
    }
}
