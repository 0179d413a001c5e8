import Synchronization

@testable import Supervision

/// A clock on which waiting takes no time: it goes on by what is slept, and remembers it.
final class StepClock: Sendable {
    private let state = Mutex((now: Duration.zero, sleeps: [Duration]()))

    /// What was slept, in order.
    var sleeps: [Duration] { state.withLock { $0.sleeps } }

    /// Goes on.
    func advance(_ time: Duration) { state.withLock { $0.now += time } }

    var clock: MonotonicClock {
        MonotonicClock(
            now: { self.state.withLock { $0.now } },
            sleep: { time in
                self.state.withLock { state in
                    state.now += time
                    state.sleeps.append(time)
                }
            })
    }
}
