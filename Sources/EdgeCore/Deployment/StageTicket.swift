import StreamStore
import Supervision
import Synchronization

/// One stage of a deployment that is being carried out, or a repair; given up at any moment.
///
/// Nobody waits for what was given up: a connection that does not end when it is told to delays nothing else.
final class StageTicket: Sendable {
    /// What came of it.
    enum Result: Sendable {
        /// It is done.
        case completed
        /// The revision is checked and compiled.
        case verified(StagedRevision)
        /// The revision runs; whether nothing is to be watched.
        case switched(isSettled: Bool)
        /// The deployment is elsewhere than was known.
        case moved
        /// It cannot be done.
        case failed(String)
    }

    private struct State {
        var isOver = false
        var trouble: String?
    }

    /// The deployment as it stands in this stage; of a repair, what runs.
    let record: DeploymentRecord
    /// What the stages before prepared.
    let staged: StagedRevision?
    /// How long it may take.
    let limit: Duration
    /// When that is over, on the runner's clock.
    let deadline: Duration
    /// Whether the core does it for itself, for the revision that it runs: a recipe on its disk was damaged.
    let isRepair: Bool
    private let workEnd = Signal()
    private let timerEnd = Signal()
    private let state = Mutex(State())

    init(
        _ record: DeploymentRecord, staged: StagedRevision?, limit: Duration, now: Duration,
        isRepair: Bool = false
    ) {
        self.record = record
        self.staged = staged
        self.limit = limit
        deadline = now + limit
        self.isRepair = isRepair
    }

    /// What hindered it last, for the case that its time runs out.
    var trouble: String? { state.withLock { $0.trouble } }

    /// Notes what hinders it.
    func note(_ trouble: String) { state.withLock { $0.trouble = trouble } }

    /// Ends it; what comes of it is not wanted any more.
    func end() {
        state.withLock { $0.isOver = true }
        workEnd.signal()
        timerEnd.signal()
    }

    /// Does the work, and tells what came of it; not where it was given up before.
    func carryOut(_ work: @escaping @Sendable () async -> Result?, tell: @Sendable (Result) -> Void) async {
        await withTaskGroup(of: Result?.self) { group in
            group.addTask { await work() }
            group.addTask {
                await self.workEnd.wait()
                return nil
            }
            let result = await group.next() ?? nil
            group.cancelAll()
            if let result, !state.withLock({ $0.isOver }) { tell(result) }
        }
    }

    /// Waits for the deadline, and tells that it is over; not where the work was over before.
    func watchDeadline(_ clock: MonotonicClock, tell: @Sendable () -> Void) async {
        let isOverdue = await withTaskGroup(of: Bool.self) { group in
            group.addTask { [limit] in (try? await clock.sleep(limit)) != nil }
            group.addTask {
                await self.timerEnd.wait()
                return false
            }
            let first = await group.next() ?? false
            group.cancelAll()
            return first
        }
        if isOverdue, !state.withLock({ $0.isOver }) { tell() }
    }
}
