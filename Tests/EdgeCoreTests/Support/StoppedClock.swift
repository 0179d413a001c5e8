import Supervision
import Synchronization

@testable import EdgeCore

/// A monotonic clock that goes on when a test says so. Waits of less than a second, as between attempts, are over at once.
final class StoppedClock: Sendable {
    private struct State {
        var now = Duration.zero
        var next = 0
        var sleepers: [Int: (end: Duration, continuation: CheckedContinuation<Void, any Error>)] = [:]
    }

    private let state = Mutex(State())

    /// What is given to whoever is tested.
    var clock: MonotonicClock {
        MonotonicClock(now: { self.now }, sleep: { try await self.sleep($0) })
    }

    var now: Duration { state.withLock { $0.now } }

    /// Wakes who waits until then.
    func advance(by duration: Duration) {
        let woken = state.withLock { state in
            state.now += duration
            let over = state.sleepers.filter { $0.value.end <= state.now }
            for id in over.keys { state.sleepers[id] = nil }
            return over.values.map(\.continuation)
        }
        for continuation in woken { continuation.resume() }
    }

    private func sleep(_ duration: Duration) async throws {
        try Task.checkCancellation()
        guard duration >= .seconds(1) else { return await Task.yield() }
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        // From now on, not from when the continuation is there.
        let end = now + duration
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation {
                (continuation: CheckedContinuation<Void, any Error>) in
                let known = state.withLock { state -> Result<Void, any Error>? in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.now >= end { return .success(()) }
                    state.sleepers[id] = (end, continuation)
                    return nil
                }
                if let known { continuation.resume(with: known) }
            }
        } onCancel: {
            let sleeper = state.withLock { $0.sleepers.removeValue(forKey: id) }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }
}
