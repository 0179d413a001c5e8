import Synchronization

/// How many traces may begin in a second, so that recording never becomes the work.
///
/// A bucket of tokens: it holds a second's worth, and fills evenly.
final class TraceBudget: Sendable {
    private struct State {
        var tokens: Double
        var last: ContinuousClock.Instant
    }

    private let perSecond: Double
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state: Mutex<State>

    init(perSecond: Int, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.perSecond = Double(perSecond)
        self.now = now
        state = Mutex(State(tokens: Double(perSecond), last: now()))
    }

    /// Takes one; false where there is none left.
    func take() -> Bool {
        let now = now()
        return state.withLock { state in
            let elapsed = state.last.duration(to: now)
            let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
            state.tokens = min(perSecond, state.tokens + max(0, seconds) * perSecond)
            state.last = now
            guard state.tokens >= 1 else { return false }
            state.tokens -= 1
            return true
        }
    }
}
