import Logging
import Messaging
import PKI

/// The life of one program, step by step, as the loop of ``ProgramSupervisor/run()``.
///
/// It waits by its bell only, which cancellation does not silence: what is to be done after that takes time.
struct ProgramCycle {
    /// What comes next.
    enum Step {
        case install
        case idle
        case start
        /// Failed in a state, for a reason.
        case errored(ProgramState, String)
        case broken(String)
        case finished
        /// The supervisor ends, and nothing runs.
        case over
    }

    let supervisor: ProgramSupervisor
    var errors = ErrorCount()
    var backoff: Backoff
    /// Whether the last start, if any, ended with an error.
    var hasFailed = false
    /// Whether the next start is one that follows another.
    var isRestart = false
    /// When the clock will ring next.
    var nextRing: Duration?
    /// An on-demand program that ends by itself is not started sooner.
    var notBefore: Duration = .zero

    /// Shortest time from one start of an on-demand program to the next where it ended by itself.
    static let startSpacing: Duration = .seconds(1)

    var plan: ProgramPlan { supervisor.plan }
    var desk: ProgramDesk { supervisor.desk }
    var now: Duration { supervisor.clock.now() }
    /// Whether somebody wants it to run.
    var isWanted: Bool { plan.mode == .longLived || desk.wishes.isWanted }

    init(_ supervisor: ProgramSupervisor) {
        self.supervisor = supervisor
        backoff = supervisor.backoff
    }

    /// Runs until the supervisor is cancelled.
    mutating func run(_ group: inout DiscardingTaskGroup) async {
        if let refusal = supervisor.host.refusal(of: plan) {
            supervisor.logger.error("a component is refused", metadata: ["reason": "\(refusal)"])
            show(.broken, refusal)
            while !desk.wishes.isCancelled { await desk.bell.heard() }
            return
        }
        var step = Step.install
        while true {
            switch step {
            case .install: step = await install(&group)
            case .idle: step = await idle(&group)
            case .start: step = await start(&group)
            case .errored(let state, let reason): step = await errored(state, reason, &group)
            case .broken(let reason): step = await broken(reason)
            case .finished: step = await finished()
            case .over: return
            }
        }
    }

    // MARK: Steps

    private mutating func install(_ group: inout DiscardingTaskGroup) async -> Step {
        let (supervisor, plan) = (supervisor, plan)
        show(.new)
        let place = ProgramPlace(
            directories: plan.directories,
            user: supervisor.host.sandbox(of: plan) == nil ? nil : supervisor.host.user(of: plan.name))
        let wasThere = await Blocking.run { place.exists }
        if let problem = await prepare() { return .errored(.new, problem) }
        guard let hook = plan.install else { return .idle }
        // Another directory has not been prepared, whatever the digest.
        let key = "\(plan.directories.working)\n\(plan.installKey)"
        let records = supervisor.host.records
        if wasThere, !plan.installKey.isEmpty, await records.isInstalled(plan.name, key: key) {
            return .idle
        }
        switch await run("install", hook, isInterruptible: true, &group) {
        case .interrupted: return .over
        case .failed(let reason): return .errored(.new, reason)
        case .done: break
        }
        guard !plan.installKey.isEmpty else { return .idle }
        do {
            try await records.installed(plan.name, key: key)
        } catch {
            return .errored(.new, "it was installed, and that could not be recorded: \(error)")
        }
        return .idle
    }

    private mutating func idle(_ group: inout DiscardingTaskGroup) async -> Step {
        show(.installed)
        while true {
            let wishes = desk.wishes
            if wishes.isCancelled { return .over }
            if wishes.isReset { forget() }
            if isWanted, now >= notBefore { return .start }
            if isWanted { ring(at: notBefore, &group) }
            await desk.bell.heard()
        }
    }

    private mutating func errored(
        _ state: ProgramState, _ reason: String, _ group: inout DiscardingTaskGroup
    ) async -> Step {
        let (isBroken, isFirst) = errors.add(state, at: now)
        if isFirst { backoff = supervisor.backoff }
        hasFailed = true
        isRestart = true
        supervisor.log.note("error while \(state.rawValue): \(reason)")
        supervisor.logger.warning(
            "a component failed",
            metadata: [
                "state": "\(state.rawValue)", "reason": "\(reason)", "errors": "\(errors.total)",
            ])
        if isBroken {
            return .broken(
                "it failed \(ErrorCount.maximum) times while \(state.rawValue) without an hour of calm, "
                    + "at last: \(reason); look into its log, then restart it or deploy a revision that mends "
                    + "it")
        }
        let due = now + backoff.next()
        show(.errored, reason, nextStart: due)
        while true {
            let wishes = desk.wishes
            if wishes.isCancelled { return .over }
            if state != .new, !isWanted { return .idle }
            if wishes.isReset { forget() }
            if wishes.isReset || wishes.isRestart || now >= due { break }
            ring(at: due, &group)
            await desk.bell.heard()
        }
        return state == .new ? .install : .start
    }

    private mutating func broken(_ reason: String) async -> Step {
        supervisor.logger.error("a component is broken", metadata: ["reason": "\(reason)"])
        show(.broken, reason)
        while true {
            let wishes = desk.wishes
            if wishes.isCancelled { return .over }
            if wishes.isReset || wishes.isRestart {
                forget()
                desk.settle { $0.isRestart = false }
                return .install
            }
            await desk.bell.heard()
        }
    }

    private mutating func finished() async -> Step {
        show(.finished)
        while true {
            let wishes = desk.wishes
            if wishes.isCancelled { return .over }
            if wishes.isReset { forget() }
            if wishes.isRestart || wishes.isReset {
                isRestart = true
                return .start
            }
            await desk.bell.heard()
        }
    }

    // MARK: Parts of steps

    /// Makes the directories ready; returns what is wrong.
    func prepare() async -> String? {
        let host = supervisor.host
        let place = ProgramPlace(
            directories: plan.directories,
            user: host.sandbox(of: plan) == nil ? nil : host.user(of: plan.name))
        do {
            try await BlockingIO.run { try place.prepare() }
            return nil
        } catch {
            return "its directories could not be made ready: \(error)"
        }
    }

    /// Forgets all errors.
    mutating func forget() {
        errors.reset()
        backoff = supervisor.backoff
        desk.settle { $0.isReset = false }
        desk.show { $0.errors = 0 }
    }

    /// Says where it stands. What is not given is not so any more.
    func show(_ state: ProgramState, _ reason: String? = nil, nextStart: Duration? = nil) {
        let (now, total) = (now, errors.total)
        desk.show { status in
            if status.state != state { status.since = now }
            status.state = state
            status.reason = reason
            status.nextStart = nextStart
            status.errors = total
            if state != .running, state != .starting { status.isHealthy = nil }
        }
    }

    /// Lets the bell ring at a time of the supervisor's clock.
    mutating func ring(at due: Duration, _ group: inout DiscardingTaskGroup) {
        let (clock, bell, now) = (supervisor.clock, desk.bell, now)
        if let nextRing, nextRing > now, nextRing <= due { return }
        nextRing = due
        group.addTask {
            try? await clock.sleep(max(due - now, .zero))
            bell.ring()
        }
    }
}
