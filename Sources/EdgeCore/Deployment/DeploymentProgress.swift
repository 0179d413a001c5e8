/// Where a deployment on this core is, and what comes next: a value that knows no disk, no clock and no network.
///
/// fetch → verify → stage → switch → settle → over, or back and over. What happens is told to it by
/// ``handle(_:)``; it is over after at most ``maximumRestarts`` restarts in each stage, whatever happens.
struct DeploymentProgress: Hashable, Sendable {
    /// What is being done. Each stage has a deadline.
    enum Stage: String, CaseIterable, Hashable, Sendable {
        /// What is missing here comes from the cloud.
        case fetch
        /// Digests are compared, recipes are compiled.
        case verify
        /// What the components need beside that is prepared.
        case stage
        /// The revision takes the place of the one before.
        case `switch`
        /// The new components are watched.
        case settle
        /// The revision before takes its place again.
        case back

        /// Whether the new revision runs, or may run.
        var isAfterSwitch: Bool { self == .settle || self == .back }
    }

    /// How it ended.
    enum Outcome: String, CaseIterable, Hashable, Sendable {
        /// The core runs it.
        case succeeded
        /// The core does not run it, or runs it because it was told to stay.
        case failed
        /// The core went back to the last revision that settled.
        case rolledBack = "rolled_back"
        /// It was not wanted any more.
        case canceled
    }

    /// What to do where it fails after the switch.
    enum Policy: String, CaseIterable, Hashable, Sendable {
        /// Go back.
        case rollback
        /// Stay.
        case stay
    }

    /// What happens to it.
    enum Event: Hashable, Sendable {
        /// What the stage has to do is done.
        case completed
        /// The revision runs; whether there is nothing to be watched.
        case switched(isSettled: Bool)
        /// The stage cannot be done, or the new components do not work.
        case failed(String)
        /// The stage's deadline is over; one sentence says what was not done.
        case overdue(String)
        /// The core was started again in this stage.
        case restarted
        /// The cloud does not want it any more.
        case cancelled(String)
        /// Another one takes its place.
        case superseded(String)
    }

    /// Most restarts of the core in one stage, each with a fresh deadline.
    static let maximumRestarts = 5

    /// What to do where it fails after the switch.
    let policy: Policy
    /// What is being done, or was when it ended.
    private(set) var stage = Stage.fetch
    /// How it ended; nil while it is under way.
    private(set) var outcome: Outcome?
    /// How often the core was started again in this stage.
    private(set) var restarts = 0
    /// Why, for people; empty where there is nothing to say.
    private(set) var reason = ""
    /// How it ends once the core has gone back; nil before that stage.
    private(set) var ending: Outcome?
    /// Whether there is a settled revision to go back to. Not kept: it is a fact about the core.
    var canGoBack = false
    /// Whether the core runs a revision that has not settled: this one, or one whose place this one takes. Not kept.
    var runsUnsettled = false

    /// Whether it is over.
    var isOver: Bool { outcome != nil }
    /// Whether it is over because another one took its place.
    private(set) var wasSuperseded = false

    init(policy: Policy = .rollback) { self.policy = policy }

    /// As it was kept.
    init(policy: Policy, stage: Stage, outcome: Outcome?, restarts: Int, reason: String, ending: Outcome?) {
        self.policy = policy
        self.stage = stage
        self.outcome = outcome
        self.restarts = restarts
        self.reason = reason
        self.ending = ending
    }

    /// Takes note of what happened. Does nothing once it is over.
    mutating func handle(_ event: Event) {
        guard !isOver else { return }
        switch event {
        case .completed: complete()
        case .switched(let isSettled):
            guard stage == .switch else { return }
            if isSettled { end(.succeeded) } else { enter(.settle) }
        case .failed(let reason), .overdue(let reason): fail(reason)
        case .restarted:
            restarts += 1
            guard restarts > Self.maximumRestarts else { return }
            fail(
                "the core was restarted more than \(Self.maximumRestarts) times in the stage \(stage.rawValue)"
            )
        case .cancelled(let reason): cancel(reason)
        case .superseded(let reason):
            wasSuperseded = true
            end(.canceled, reason)
        }
    }

    private mutating func complete() {
        switch stage {
        case .fetch: enter(.verify)
        case .verify: enter(.stage)
        case .stage: enter(.switch)
        // Only whoever switched knows whether there is something to be watched.
        case .switch: return
        case .settle: end(.succeeded)
        case .back: end(ending ?? .rolledBack, reason)
        }
    }

    private mutating func fail(_ cause: String) {
        switch stage {
        case .back:
            end(.failed, "\(reason); the core could not go back and stays on this revision: \(cause)")
        case .settle: leave(as: .rolledBack, cause)
        case .fetch, .verify, .stage, .switch:
            // What runs is what a deployment brought whose place this one took, and nobody watched it to its end.
            if runsUnsettled, canGoBack { leave(as: .rolledBack, cause) } else { end(.failed, cause) }
        }
    }

    private mutating func cancel(_ cause: String) {
        switch stage {
        case .back: return
        case .settle: leave(as: .canceled, cause)
        case .fetch, .verify, .stage, .switch:
            if runsUnsettled, canGoBack { leave(as: .canceled, cause) } else { end(.canceled, cause) }
        }
    }

    /// Goes back, where that is wanted and possible.
    private mutating func leave(as ending: Outcome, _ cause: String) {
        let stays = ending == .canceled ? Outcome.canceled : .failed
        guard policy == .rollback || ending == .canceled else {
            return end(
                .failed, "\(cause); the core stays on the revision that it runs, as the failure policy says")
        }
        guard canGoBack else {
            return end(
                stays,
                "\(cause); the core stays on this revision, because there is no settled one to go back to")
        }
        self.ending = ending
        enter(.back)
        reason = cause
    }

    private mutating func enter(_ next: Stage) {
        stage = next
        restarts = 0
        reason = ""
    }

    private mutating func end(_ outcome: Outcome, _ reason: String = "") {
        self.outcome = outcome
        self.reason = reason
    }
}
