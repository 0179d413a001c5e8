import Synchronization

/// What others want of a program, and what it is; where the supervisor's loop and everybody else meet.
final class ProgramDesk: Sendable {
    /// What is wanted. Everything stays until it is taken back or done, so nothing is missed.
    struct Wishes: Hashable, Sendable {
        /// The supervisor's task is cancelled.
        var isCancelled = false
        /// Somebody needs the program (on demand).
        var isWanted = false
        /// It is to be ended and started.
        var isRestart = false
        /// Errors are to be forgotten.
        var isReset = false
        /// What the caller found wrong with it.
        var finding: String?
        /// Its last report of health; nil before the first of a start.
        var report: HealthReport?
    }

    private struct State {
        var wishes = Wishes()
        var status: ProgramStatus
        var watchers: [UInt64: AsyncStream<ProgramStatus>.Continuation] = [:]
        var nextWatcher: UInt64 = 0
    }

    private let state: Mutex<State>
    /// Rung at each wish.
    let bell = Bell()

    init(_ status: ProgramStatus) { state = Mutex(State(status: status)) }

    /// What is wanted now.
    var wishes: Wishes { state.withLock { $0.wishes } }

    /// Changes what is wanted, and lets the loop know.
    func wish(_ change: (inout Wishes) -> Void) {
        state.withLock { change(&$0.wishes) }
        bell.ring()
    }

    /// The loop's own change of what is wanted: it has been done.
    func settle(_ change: (inout Wishes) -> Void) { state.withLock { change(&$0.wishes) } }

    /// What the program is.
    var status: ProgramStatus { state.withLock { $0.status } }

    /// Changes what it is, and tells those who watch.
    func show(_ change: (inout ProgramStatus) -> Void) {
        state.withLock { state in
            let before = state.status
            change(&state.status)
            guard state.status != before else { return }
            for watcher in state.watchers.values { watcher.yield(state.status) }
        }
    }

    /// What it is now and each change from now on; one who is slow gets the newest only.
    func updates() -> AsyncStream<ProgramStatus> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: ProgramStatus.self, bufferingPolicy: .bufferingNewest(Self.maximumWaiting))
        let id = state.withLock { state in
            continuation.yield(state.status)
            state.nextWatcher += 1
            state.watchers[state.nextWatcher] = continuation
            return state.nextWatcher
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { $0.watchers[id] = nil }
        }
        return stream
    }

    /// Changes that wait for one who watches; then the oldest gives way.
    static let maximumWaiting = 16
}
