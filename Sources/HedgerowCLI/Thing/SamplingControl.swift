import Synchronization
import ThingClient

/// What commands change about the sampling, and the sampler looks up.
final class SamplingControl: Sendable {
    private struct State: Sendable {
        var paused = false
        var interval: Duration?
    }

    private let state = Mutex(State())
    /// Told about every change.
    let changed = ChangeSignal()

    var isPaused: Bool { state.withLock { $0.paused } }

    func pause(_ paused: Bool) {
        state.withLock { $0.paused = paused }
        changed.notify()
    }

    func setInterval(_ interval: Duration) {
        state.withLock { $0.interval = interval }
        changed.notify()
    }

    /// Whether a new interval waits to be taken.
    var hasInterval: Bool { state.withLock { $0.interval != nil } }

    /// A new interval, once.
    func takeInterval() -> Duration? {
        state.withLock { state in
            defer { state.interval = nil }
            return state.interval
        }
    }
}
