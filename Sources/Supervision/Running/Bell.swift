import Dispatch
import Synchronization

/// Wakes the one who waits, who then looks at everything again.
///
/// Its waiting does not end when the task is cancelled: ending a program in order begins only then.
final class Bell: Sendable {
    private struct State {
        var isRung = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// Wakes the waiter, or lets the next one not wait.
    func ring() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard let waiter = state.waiter else {
                state.isRung = true
                return nil
            }
            state.waiter = nil
            return waiter
        }
        waiter?.resume()
    }

    /// Rings later, by the machine's time and whether or not the task is cancelled; what is returned says
    /// whether it has.
    @discardableResult
    func alarm(after delay: Duration) -> Alarm {
        let alarm = Alarm()
        DispatchQueue.global().asyncAfter(deadline: .now() + delay.timeInterval) {
            alarm.pass()
            self.ring()
        }
        return alarm
    }

    /// Returns when it has rung since the last time. One waits at a time.
    func heard() async {
        await withCheckedContinuation { continuation in
            let isRung = state.withLock { state in
                if state.isRung {
                    state.isRung = false
                    return true
                }
                state.waiter = continuation
                return false
            }
            if isRung { continuation.resume() }
        }
    }
}

extension Duration {
    /// For Dispatch.
    var timeInterval: DispatchTimeInterval {
        let (seconds, attoseconds) = components
        guard seconds < 1 << 32 else { return .seconds(1 << 32) }
        return .nanoseconds(Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000))
    }
}
